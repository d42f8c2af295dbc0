"""GPIO on the kernel's simulated chip, in a User-Mode Linux: few kernels have that chip, so it must be built.

    HAN2X_UML=linux HAN2X_UML_ROOT=DIR .venv/bin/pytest tests/board/check_gpio.py -s

The kernel needs ARCH=um with GPIOLIB, GPIO_CDEV, CONFIGFS_FS, GPIO_SIM, HOSTFS, DEVTMPFS, UNIX, and in
arch/um/include/asm/irq.h a NR_IRQS above UM_LAST_SIGNAL_IRQ (64 more), or it has no number for an edge. The
root is one in which the Debian package was installed, or what `packaging/debian/build --root` leaves.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KERNEL, ROOT = os.environ.get("HAN2X_UML", ""), os.environ.get("HAN2X_UML_ROOT", "")
HERE = Path(__file__).parent
INIT = """#!/bin/sh
exec /opt/han2x/bin/python /check/gpio_inside.py
"""


@pytest.mark.skipif(not (KERNEL and ROOT), reason="HAN2X_UML and HAN2X_UML_ROOT name no kernel and no root")
def test_lines_of_a_simulated_chip() -> None:
    """Contract, service, button and lamps on lines of a kernel, by name and by number."""
    check = Path(ROOT) / "check"
    shutil.rmtree(check, ignore_errors=True)
    check.mkdir()
    for name in ("gpio_inside.py", "port_contract.py"):
        shutil.copy(HERE / name, check / name)
    (check / "init").write_text(INIT)
    (check / "init").chmod(0o755)
    with tempfile.TemporaryDirectory() as temporary:
        words = [KERNEL, "rootfstype=hostfs", f"rootflags={ROOT}", "rw", "mem=256M", "init=/check/init"]
        words += ["con=null", "con0=null,fd:1", "quiet"]
        ran = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "TMPDIR": temporary},
        )
    print(ran.stdout[-3000:])
    assert "GPIO: all is well" in ran.stdout
