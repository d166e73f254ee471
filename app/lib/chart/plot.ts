import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

// Loaded with the first chart, and with nothing before it.

export interface Line {
	values: (number | null)[];
	/** A colour of the design: the name of its custom property. */
	color: string;
	/** With an area beneath it; else thin and dashed. */
	main: boolean;
}

export interface Drawing {
	/** In seconds. */
	at: number[];
	lines: Line[];
	from: number;
	to: number;
}

interface Words {
	/** Of the vertical axis. */
	value: (share: number) => string;
	/** Of the horizontal one; `days`: its marks are a day apart or more. */
	time: (ms: number, days: boolean) => string;
}

export interface Plot {
	set(drawing: Drawing): void;
	resize(width: number): void;
	destroy(): void;
}

const DAY_S = 86_400;
/** Charts of one host move their cursors together. */
const GROUP = 'host';

/** Draws shares over time, in the colours the page has now. `onpoint` is told which point is pointed at. */
export function draw(
	element: HTMLElement,
	drawing: Drawing,
	size: { width: number; height: number },
	words: Words,
	onpoint: (index: number | null) => void,
): Plot {
	const style = getComputedStyle(element);
	const token = (name: string) => style.getPropertyValue(name).trim();
	const font = `11px ${token('--sans')}`;
	const axis = { stroke: token('--text-3'), font, ticks: { show: false } };
	const grid = { stroke: token('--line'), width: 1 };
	let shown = drawing;

	const plot = new uPlot(
		{
			...size,
			padding: [8, 8, 0, 0],
			legend: { show: false },
			cursor: {
				sync: { key: GROUP, setSeries: false },
				drag: { x: false, y: false },
				y: false,
				points: { size: 6, width: 0, fill: token('--text') },
			},
			scales: {
				x: { range: () => [shown.from, shown.to] },
				// What is more than all of it, as the load of a busy processor, is shown too.
				y: { range: (_, __, high) => [0, Math.max(1, high)] },
			},
			axes: [
				{
					...axis,
					grid: { show: false },
					space: 64,
					size: 26,
					values: (_, splits, __, ___, step) => splits.map((s) => words.time(s * 1000, step >= DAY_S)),
				},
				{ ...axis, grid, space: 28, size: 52, values: (_, splits) => splits.map(words.value) },
			],
			series: [
				{},
				...drawing.lines.map(({ color, main }): uPlot.Series => {
					const stroke = token(color);
					return main
						? {
								stroke,
								width: 1.5,
								fill: `color-mix(in srgb, ${stroke} 14%, transparent)`,
								points: { size: 4, fill: stroke },
							}
						: { stroke, width: 1, dash: [3, 3], points: { show: false } };
				}),
			],
			hooks: {
				setCursor: [
					(u) => {
						onpoint(u.cursor.idx ?? null);
					},
				],
			},
		},
		[drawing.at, ...drawing.lines.map(({ values }) => values)],
		element,
	);
	return {
		set(next) {
			shown = next;
			plot.setData([next.at, ...next.lines.map(({ values }) => values)]);
		},
		resize(width) {
			plot.setSize({ width, height: size.height });
		},
		destroy() {
			plot.destroy();
		},
	};
}
