"""What may go wrong with a broker, in sentences that say what to do and name no password. Pure."""

import socket
import ssl

import paho.mqtt.client as paho


def why(error: Exception) -> str:
    """The system's own words."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not in PEM form").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def unreachable(peer: str, error: Exception) -> str:
    """Why there is no connection to `host:port`."""
    host = peer.rpartition(":")[0]
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {peer} is not trusted ({error.verify_message.rstrip('.')}): "
                "set ca_file to the authority that signed it, and host to a name that it holds"
            )
        case ssl.SSLError():
            return f"{peer} does not agree on TLS ({why(error)}): is this its TLS port?"
        case socket.gaierror() | UnicodeError():
            return f"{host} is not known on this network: check the name"
        case ConnectionRefusedError():
            return f"{peer} refuses: does a broker listen on this port?"
        case TimeoutError():
            return f"{peer} does not answer: is the broker on, and the address right?"
        case paho.WebsocketConnectionError():
            return f"{peer} does not speak MQTT over websockets here: check port and path"
        case ConnectionAbortedError() | ConnectionResetError() | BrokenPipeError():
            return silent_end(peer)
        case OSError():
            return f"{peer} cannot be reached: {why(error)}"
    return f"{peer} cannot be used: {error}"


def silent_end(peer: str) -> str:
    """The broker hung up where its answer was due."""
    return f"{peer} closed the connection without an answer: does it want TLS, or a client certificate?"


_REFUSALS = {
    "Bad user name or password": "{} refuses the user name or the password: check both",
    "Not authorized": "{} refuses the user name or the password, or the user may not connect: check both",
    "Banned": "{} has banned this client",
    "Client identifier not valid": "{} refuses the client id: set client_id to one that it takes",
    "Unsupported protocol version": "{} does not know this version of MQTT: set protocol to the other one",
    "Server unavailable": "{} is not available now",
    "Server busy": "{} is busy now",
}


def refusal(peer: str, name: str) -> str:
    """Why the broker does not let us in, by its reason's name in paho."""
    return _REFUSALS.get(name, f"{{}} refuses the connection: {name}").format(peer)


_LOSSES = {
    "Session taken over": "{} let another client in with the same client id: give each its own",
    "Keep alive timeout": "{} has stopped answering; connecting anew",
    "Server shutting down": "{} is shutting down; connecting anew",
    "Not authorized": "{} does not allow what was published: check the user's rights",
}


def loss(peer: str, name: str) -> str:
    """Why a connection ended, by the reason's name in paho."""
    return _LOSSES.get(name, "the connection to {} was lost; connecting anew").format(peer)
