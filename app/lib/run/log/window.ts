/** The height of a row, in px: every row has the same, which is what makes a million of them cheap. */
export const ROW = 20;
/** Browsers stop at some height (Firefox at 17.9 million px): beyond it the scroll bar moves in larger steps. */
const HEIGHT_MAX = 15_000_000;
/** Rows drawn beyond the edges, so that a quick scroll does not show holes. */
const MARGIN = 12;

export interface Window {
	/** Index of the first row drawn, from 0, and how many. */
	first: number;
	count: number;
	/** Where that row stands, and how high the whole is, in px. */
	top: number;
	height: number;
}

const heightOf = (total: number) => Math.min(total * ROW, HEIGHT_MAX);

/** The index of the row at the upper edge, with its fraction. */
function rowAt(total: number, scrollTop: number, viewport: number): number {
	const height = heightOf(total);
	if (height === total * ROW || height <= viewport) return scrollTop / ROW;
	return (scrollTop / (height - viewport)) * (total - viewport / ROW);
}

/** Which of `total` rows to draw, for this scroll position and viewport height in px. */
export function windowOf(total: number, scrollTop: number, viewport: number): Window {
	const exact = Math.max(0, Math.min(rowAt(total, scrollTop, viewport), Math.max(0, total - viewport / ROW)));
	const first = Math.max(0, Math.floor(exact) - MARGIN);
	const last = Math.min(total, Math.ceil(exact + viewport / ROW) + MARGIN);
	const shown = Math.min(scrollTop, Math.max(0, heightOf(total) - viewport));
	return { first, count: last - first, top: shown - (exact - first) * ROW, height: heightOf(total) };
}

/** How many rows are drawn at most. A row is drawn in the slot of its index modulo that, so that scrolling makes no new elements. */
export const slotsOf = (viewport: number): number => Math.ceil(viewport / ROW) + 2 * MARGIN + 2;

/** The scroll position that brings row `index` a third of the way down the viewport. */
export function scrollTo(total: number, index: number, viewport: number): number {
	const height = heightOf(total);
	const upper = Math.max(0, index - viewport / ROW / 3);
	if (height === total * ROW || height <= viewport) return Math.min(upper * ROW, Math.max(0, height - viewport));
	return Math.min(1, upper / (total - viewport / ROW)) * (height - viewport);
}
