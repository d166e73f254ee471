import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entry, Journal, keyOf, readJournal, remember, type Remembered } from '#agent/journal.ts';

let dir: string;
let file: string;
beforeEach(() => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-journal-'));
	file = path.join(dir, 'journal');
});
afterEach(() => {
	rmSync(dir, { recursive: true });
});

const AT = '2026-01-02T03:04:05.000Z';
const handle = { backend: 'local', boot: 'b', mark: 'm', cgroup: null } as const;
const accepted = (run_id: number, epoch = 1): Entry => ({ type: 'accepted', run_id, epoch });
const started = (run_id: number, epoch = 1): Entry => ({ type: 'started', run_id, epoch, at: AT, handle });
const gone = (run_id: number, epoch = 1): Entry => ({ type: 'gone', run_id, epoch });
const exited = (run_id: number, epoch = 1): Entry => ({
	type: 'exited',
	run_id,
	epoch,
	finish: {
		type: 'finish',
		run_id,
		epoch,
		outcome: 'success',
		exit_code: 0,
		reason: null,
		started_at: AT,
		exited_at: AT,
		last_seq: 0,
		bytes: 0,
		sha256: '0'.repeat(64),
	},
});

const entry: fc.Arbitrary<Entry> = fc
	.tuple(
		fc.constantFrom(accepted, started, exited, gone),
		fc.integer({ min: 1, max: 3 }),
		fc.integer({ min: 1, max: 2 }),
	)
	.map(([make, run_id, epoch]) => make(run_id, epoch));
const text = (entries: readonly Entry[]) => entries.map((e) => `${JSON.stringify(e)}\n`).join('');
const fold = (entries: readonly Entry[]): Map<string, Remembered> => {
	const runs = new Map<string, Remembered>();
	for (const e of entries) remember(runs, e);
	return runs;
};

describe('what a journal says', () => {
	it('cut at any byte: exactly the entries that were whole', () => {
		fc.assert(
			fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(), (entries, n) => {
				const whole = text(entries);
				const part = whole.slice(0, n % (whole.length + 1));
				const lines = part.split('\n').length - 1;
				expect(readJournal(part)).toEqual(fold(entries.slice(0, lines)));
			}),
		);
	});

	it('damaged before its end: no run is said not to have started', () => {
		fc.assert(
			fc.property(fc.array(entry, { minLength: 1, maxLength: 12 }), fc.nat(), (entries, n) => {
				const lines = text(entries).split('\n').slice(0, -1);
				lines[n % lines.length] = '{"type":"acc\u0000';
				for (const run of readJournal(`${lines.join('\n')}\n`).values()) expect(run.doubtful).toBe(true);
			}),
		);
	});
});

describe('a journal on the disk', () => {
	it('remembers what was appended, also after any number of restarts', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 4 }), async (lives) => {
				rmSync(file, { force: true });
				for (const entries of lives) {
					const { journal } = await Journal.open(file);
					await Promise.all(entries.map((e) => journal.append(e)));
					await journal.close();
				}
				const { journal, runs } = await Journal.open(file);
				await journal.close();
				expect(new Map(runs.map((r) => [keyOf(r), r]))).toEqual(fold(lives.flat()));
			}),
			{ numRuns: 40 },
		);
	});

	it('has an entry on the disk when append resolves', async () => {
		const { journal } = await Journal.open(file);
		await journal.append(accepted(1));
		expect(readFileSync(file, 'utf8')).toContain('"accepted"');
		await journal.append(started(1));
		expect(readFileSync(file, 'utf8')).toContain('"started"');
		await journal.close();
	});

	it('goes on after a torn end: the next entry is not glued to it', async () => {
		writeFileSync(file, text([accepted(1)]));
		appendFileSync(file, '{"type":"started","run_id":1,"ep');
		const first = await Journal.open(file);
		await first.journal.append(started(1));
		await first.journal.close();
		const { runs, journal } = await Journal.open(file);
		await journal.close();
		expect(runs).toMatchObject([{ run_id: 1, doubtful: false, started: { at: AT } }]);
	});

	it('keeps its doubt over a second restart', async () => {
		writeFileSync(file, `${text([accepted(1)])}garbage\n`);
		await (await Journal.open(file)).journal.close();
		const { runs, journal } = await Journal.open(file);
		await journal.close();
		expect(runs).toMatchObject([{ run_id: 1, doubtful: true }]);
	});

	it('stays small however many runs come and go', async () => {
		const { journal } = await Journal.open(file);
		await journal.append(accepted(9999));
		for (let batch = 0; batch < 30; batch++)
			await Promise.all(
				Array.from({ length: 200 }, (_, n) => [accepted(n + 1, batch), exited(n + 1, batch), gone(n + 1, batch)])
					.flat()
					.map((e) => journal.append(e)),
			);
		await journal.close();
		expect(statSync(file).size).toBeLessThan(2_000_000);
		const { runs, journal: again } = await Journal.open(file);
		await again.close();
		expect(runs.map((r) => r.run_id)).toEqual([9999]);
	});
});
