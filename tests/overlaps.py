"""Texts of a picture that lie upon each other or beyond the page, from their boxes."""

from matplotlib.legend import Legend

SLACK = 1.5  # points that two boxes may share, as letters do not fill theirs


def texts(figure, ticks=True):
    """Every text that the figure draws, with or without those at ticks."""
    found = list(figure.texts) + [figure._suptitle] * (figure._suptitle is not None)
    for legend in figure.legends:
        found += legend.get_texts()
    for axes in figure.axes:
        found += axes_texts(axes, ticks) if axes.get_visible() else []
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def axes_texts(axes, ticks):
    found = [axes.title, axes._left_title, axes._right_title, *axes.texts]
    for axis in (axes.xaxis, axes.yaxis):
        shown = axis._update_ticks() if ticks else []  # not those beyond the view
        found += [axis.label, axis.offsetText, *(label for tick in shown for label in (tick.label1, tick.label2))]
    for legend in axes.findobj(Legend):
        found += legend.get_texts()
    for child in axes.child_axes:
        found += axes_texts(child, ticks)
    return found


def overlaps(figure):
    """Pairs of texts that overlap, and texts that leave the page."""
    renderer, slack = figure.canvas.get_renderer(), SLACK * figure.dpi / 72
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    bad = []
    for k, (words, box) in enumerate(boxes):
        page = figure.bbox
        if min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1) < -2 * slack:
            bad.append((words, "beyond the page"))
        for other, second in boxes[:k]:
            wide = min(box.x1, second.x1) - max(box.x0, second.x0)
            high = min(box.y1, second.y1) - max(box.y0, second.y0)
            if wide > slack and high > slack:
                bad.append((other, words))
    return bad
