/* A Modbus TCP server with libmodbus, to measure against: 51 holding registers, many clients by select().
 *
 * build:  gcc -O2 -o libmodbus_server libmodbus_server.c $(pkg-config --cflags --libs libmodbus)
 * run:    libmodbus_server PORT
 *
 * The loop is the one of libmodbus' own multi-client example (tests/bandwidth-server-many-up.c in its
 * source): one modbus_receive and one modbus_reply for each socket that select() finds readable.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

static void serve(modbus_t *modbus, modbus_mapping_t *registers, int socket, fd_set *open_sockets)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(modbus, socket);
    int length = modbus_receive(modbus, request);
    if (length > 0) {
        modbus_reply(modbus, request, length, registers);
    } else if (length == -1) {
        close(socket);
        FD_CLR(socket, open_sockets);
    }
}

int main(int argc, char **argv)
{
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 1503);
    modbus_mapping_t *registers = modbus_mapping_new(0, 0, 51, 51);
    int listener = modbus_tcp_listen(modbus, 512);
    if (listener < 0 || registers == NULL) {
        fprintf(stderr, "%s\n", modbus_strerror(errno));
        return 1;
    }
    printf("listening\n");
    fflush(stdout);
    fd_set open_sockets, readable;
    FD_ZERO(&open_sockets);
    FD_SET(listener, &open_sockets);
    int highest = listener;
    for (;;) {
        readable = open_sockets;
        if (select(highest + 1, &readable, NULL, NULL, NULL) < 0)
            return 1;
        for (int socket = 0; socket <= highest; socket++) {
            if (!FD_ISSET(socket, &readable))
                continue;
            if (socket == listener) {
                int client = modbus_tcp_accept(modbus, &listener);
                if (client >= 0 && client < FD_SETSIZE) {
                    FD_SET(client, &open_sockets);
                    highest = client > highest ? client : highest;
                }
            } else {
                serve(modbus, registers, socket, &open_sockets);
            }
        }
    }
}
