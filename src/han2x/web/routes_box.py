"""The rows of the route table that are about the machine."""

from . import api_box, shapes
from .endpoint import Access, Endpoint

BOX: list[Endpoint] = [
    Endpoint(
        method="GET",
        path="v1/box",
        handler=api_box.box,
        answer=shapes.BoxShape,
        doc="Lamps, button, digital input and temperature of the box.",
    ),
    Endpoint(
        method="GET",
        path="v1/network",
        handler=api_box.network,
        answer=shapes.NetworkShape,
        doc="The machine's network as it really is.",
    ),
    Endpoint(
        method="POST",
        path="v1/network/confirm",
        handler=api_box.confirm,
        access=Access.WRITE,
        errors=(409,),
        doc="Keep the network setting that is on trial; asked for at its new address.",
    ),
    Endpoint(
        method="POST",
        path="v1/network/undo",
        handler=api_box.undo,
        access=Access.WRITE,
        doc="Take the network setting back that is on trial.",
    ),
]
