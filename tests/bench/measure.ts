// What every bench shares: figures taken in turns, so that a machine that slows down slows both sides.
import { readFileSync } from 'node:fs';

/** Ticks of the kernel's clock in a second: what `getconf CLK_TCK` says on Linux. */
const TICKS = 100;
const REST_MS = 300;

/** Bytes that only this process has. */
export function privateBytes(pid: number): number {
	const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
	const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
	return (kib('Private_Dirty') + kib('Private_Clean')) * 1024;
}

/** Seconds of a processor that this process has used so far. */
export function processorSeconds(pid: number): number {
	const fields =
		readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
			.split(') ')[1]
			?.split(' ') ?? [];
	return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resolves when a process has used no processor for a while: what one side left undone would cost the other. */
export async function atRest(pid: number): Promise<void> {
	for (let before = -1, now = processorSeconds(pid); now !== before; now = processorSeconds(pid)) {
		before = now;
		await new Promise((done) => setTimeout(done, REST_MS));
	}
}

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
