import { describe, expect, it } from 'vitest';
import { Steps } from '#durable/core/steps.ts';
import { RUN_STEPS_MAX } from '#domain/run-step.ts';
import { type Frame, Kind, Stream } from '#protocol/run-frames.ts';
import { parseRecord, RECORD_MAX, type RunRecord } from '#protocol/run-record.ts';
import { memoryStorage } from '#tests/support/sqlite.ts';

const at = (record: RunRecord, offset = 0, t_ms = 1_000, lines = 0): { frame: Frame; lines: number } => ({
	frame: { kind: Kind.record, stream: Stream.none, offset, t_ms, payload: Buffer.from(JSON.stringify(record)) },
	lines,
});
const began = (n: number, host: string | null = null): RunRecord => ({
	type: 'step_started',
	n,
	host,
	name: `step ${String(n)}`,
	tool: 'shell',
});
const ended = (n: number, status: 'success' | 'failed', host: string | null = null): RunRecord => ({
	type: 'step_ended',
	n,
	host,
	status,
	exit_code: status === 'success' ? 0 : 3,
	reason: null,
	counts: null,
});

describe('the steps of a run', () => {
	it('begin and end where their records stand in the log, and outlive the object', () => {
		const storage = memoryStorage();
		const steps = new Steps(storage);
		expect(steps.take(at(began(1)))).toBe(true);
		expect(steps.take(at(ended(1, 'success'), 40, 2_000, 3))).toBe(true);
		expect(steps.take(at(began(2), 40, 2_000, 3))).toBe(true);
		const known = new Steps(storage).all;
		expect(known).toEqual(steps.all);
		expect(known).toMatchObject([
			{
				n: 1,
				status: 'success',
				from: 0,
				to: 40,
				from_line: 1,
				to_line: 3,
				exit_code: 0,
				finished_at: '1970-01-01T00:00:02.000Z',
			},
			{ n: 2, status: 'running', from: 40, to: null, from_line: 4, to_line: null },
		]);
	});

	it('are told apart by host', () => {
		const steps = new Steps(memoryStorage());
		for (const host of ['web1', 'web2']) steps.take(at(began(1, host)));
		steps.take(at(ended(1, 'failed', 'web2'), 9));
		expect(steps.all.map(({ host, status }) => [host, status])).toEqual([
			['web1', 'running'],
			['web2', 'failed'],
		]);
	});

	it('pass over what makes no sense: an end without a beginning, a second beginning, one too many', () => {
		const steps = new Steps(memoryStorage());
		expect(steps.take(at(ended(1, 'success')))).toBe(false);
		expect(steps.take(at(began(1)))).toBe(true);
		expect(steps.take(at(began(1)))).toBe(false);
		for (let i = 1; i < RUN_STEPS_MAX; i++) expect(steps.take(at(began(1, `h${String(i)}`)))).toBe(true);
		expect(steps.take(at(began(2)))).toBe(false);
		expect(steps.all).toHaveLength(RUN_STEPS_MAX);
	});

	it.each([
		['canceled', 'canceled'],
		['lost', 'lost'],
		['failed', 'failed'],
	] as const)('what was under way when the run was %s is %s', (run, step) => {
		const steps = new Steps(memoryStorage());
		steps.take(at(began(1)));
		steps.take(at(ended(1, 'success'), 5));
		steps.take(at(began(2), 5));
		steps.close(run, '2026-01-01T00:00:00.000Z');
		expect(steps.all.map(({ status }) => status)).toEqual(['success', step]);
	});

	it('a record is one of a known kind, and short', () => {
		expect(parseRecord(Buffer.from(JSON.stringify(began(1))))).toEqual(began(1));
		for (const wrong of ['', '{', '[]', '{"type":"step_started"}', JSON.stringify({ ...began(1), more: 1 })])
			expect(parseRecord(Buffer.from(wrong))).toBeNull();
		expect(parseRecord(Buffer.from(JSON.stringify({ ...began(1), name: 'x'.repeat(RECORD_MAX) })))).toBeNull();
	});
});
