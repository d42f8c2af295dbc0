"""What look-alikes say of each phase."""

from dataclasses import replace

from han2x.model.instant import ZERO
from han2x.model.quantity import Quantity as Q
from han2x.model.state import EMPTY
from han2x.model.view import view
from han2x.web.lookalikes import amsreader_phases

MAINS = {
    Q.VOLT_L1: 230_100, Q.VOLT_L2: 231_000, Q.VOLT_L3: 229_000,
    Q.CURR_L1: 4_400, Q.CURR_L2: 3_100, Q.CURR_L3: 3_100, Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420,
}  # fmt: skip
BY_PHASE = {Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L2: 710, Q.ACT_POW_NEG_L3: 710}


def test_power_of_each_phase_where_the_meter_sends_it() -> None:
    """L1 imports 1000 W while the house exports 420 W; what would be shared out is left out."""
    seen = view(replace(EMPTY, values={**MAINS, **BY_PHASE}), scale=1000, now=ZERO, uptime_s=0)
    assert amsreader_phases(seen) == {
        "l1": {"u": 230.1, "i": 4.4, "p": 1000, "q": 0},
        "l2": {"u": 231, "i": 3.1, "p": 0, "q": 710},
        "l3": {"u": 229, "i": 3.1, "p": 0, "q": 710},
    }
    without = view(replace(EMPTY, values=MAINS), scale=1000, now=ZERO, uptime_s=0)
    assert amsreader_phases(without)["l1"] == {"u": 230.1, "i": 4.4}
