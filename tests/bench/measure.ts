// What every bench shares: figures taken in turns, so that a machine that slows down slows both sides.

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export function percentile(values: readonly number[], p: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	const value = sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
	if (value === undefined) throw new Error('nothing was measured');
	return value;
}

/** Runs the sides in turn, A B A B …, after one warm-up of each, and gives each side's figures in order. */
export async function inTurns<K extends string>(
	rounds: number,
	sides: Record<K, () => Promise<number>>,
): Promise<Record<K, number[]>> {
	const names = Object.keys(sides) as K[];
	const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
	for (let round = -1; round < rounds; round++)
		for (const name of names) {
			const figure = await sides[name]();
			if (round >= 0) figures[name].push(figure);
		}
	return figures;
}

/** The median of a/b, pair by pair. */
export const ratio = (a: readonly number[], b: readonly number[]): number =>
	median(a.map((value, i) => value / (b[i] ?? NaN)));

/** One line of the result. `holds` is whether the bar was reached; a bar that was missed fails the bench. */
export function report(row: string, measured: string, bar: string, holds: boolean): void {
	console.log(`${holds ? 'ok  ' : 'MISS'} ${row}: ${measured} (bar: ${bar})`);
	if (!holds) process.exitCode = 1;
}

export const round = (n: number, digits = 2): string => n.toFixed(digits);
