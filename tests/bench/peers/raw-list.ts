// raw-list.worker.js, and the rows it lists.
import { type RawWorker, startRaw } from './raw.ts';

export interface RawList extends RawWorker {
	/** Makes the table from rows as the API gives them. */
	fill(rows: Record<string, unknown>[]): Promise<void>;
}

export async function startRawList(): Promise<RawList> {
	const raw = await startRaw('raw-list.worker.js');
	return {
		...raw,
		url: `${raw.url}/jobs?limit=50`,
		async fill(rows) {
			const flat = rows.map((row) =>
				Object.fromEntries(
					Object.entries(row).map(([k, v]) => [k, typeof v === 'object' && v !== null ? JSON.stringify(v) : v]),
				),
			);
			const answer = await fetch(`${raw.url}/fill`, {
				method: 'POST',
				body: JSON.stringify({ table: 'jobs', rows: flat }),
			});
			if (!answer.ok) throw new Error(`fill answered ${String(answer.status)}`);
		},
	};
}
