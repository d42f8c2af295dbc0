// Zoom and pan of a plot by wheel, touch and keyboard; what is dragged with a mouse is zoomed to by the plot itself.

/**
 * @param {HTMLElement} element what is touched
 * @param {{move: (share: number) => void, zoom: (factor: number, share: number) => void, done: () => void}} act
 *   shares of the width; a factor below 1 shows less
 * @param {AbortSignal} signal
 */
export function gestures(element, act, signal) {
  const place = (x) => {
    const box = element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (x - box.left) / box.width));
  };
  wheel(element, act, place, signal);
  touch(element, act, place, signal);
}

function wheel(element, act, place, signal) {
  const turned = (event) => {
    event.preventDefault();
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (sideways) act.move((event.deltaX || event.deltaY) / 1000);
    else act.zoom(Math.exp(event.deltaY / 500), place(event.clientX));
    act.done();
  };
  element.addEventListener("wheel", turned, { passive: false, signal });
}

function touch(element, act, place, signal) {
  /** @type {Map<number, number>} */
  const fingers = new Map();
  const width = () => element.getBoundingClientRect().width;
  const apart = () => Math.max(20, Math.abs([...fingers.values()].reduce((a, b) => a - b)));
  const moved = (event) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const wide = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 1) act.move((before - event.clientX) / width());
    else if (fingers.size === 2)
      act.zoom(wide / apart(), place([...fingers.values()].reduce((a, b) => a + b) / 2));
  };
  const lifted = (event) => fingers.delete(event.pointerId) && fingers.size === 0 && act.done();
  element.addEventListener(
    "pointerdown",
    (event) => event.pointerType === "touch" && fingers.set(event.pointerId, event.clientX),
    { signal },
  );
  element.addEventListener("pointermove", moved, { signal });
  for (const name of ["pointerup", "pointercancel", "pointerleave"])
    element.addEventListener(name, lifted, { signal });
}

/** Arrow keys pan, plus and minus zoom. @param {HTMLElement} element @param {{move: (share: number) => void, zoom: (factor: number, share: number) => void, done: () => void}} act @param {AbortSignal} signal */
export function keys(element, act, signal) {
  const KEYS = {
    ArrowLeft: () => act.move(-0.25),
    ArrowRight: () => act.move(0.25),
    "+": () => act.zoom(0.5, 0.5),
    "-": () => act.zoom(2, 0.5),
  };
  const pressed = (event) => {
    const go = KEYS[event.key];
    if (!go || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go();
    act.done();
  };
  element.addEventListener("keydown", pressed, { signal });
}
