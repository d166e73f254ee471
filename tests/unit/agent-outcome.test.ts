import { expect, it } from 'vitest';
import { finishFor } from '#agent/outcome.ts';
import type { Finish } from '#protocol/agent.ts';

const finish: Finish = {
	...{ type: 'finish', run_id: 1, epoch: 1, outcome: 'success', exit_code: 0, reason: null },
	...{ started_at: null, exited_at: '2026-01-01T00:00:00.000Z', last_seq: 7, bytes: 5, sha256: 'a'.repeat(64) },
};
const chunks_sha256 = 'b'.repeat(64);

it('a finish says what its chunks hash to, to a hub that knows of that, where all of them are known', () => {
	const whole = { last_seq: 7, chunks_sha256 };
	expect(finishFor(4, finish, whole)).toEqual({ ...finish, chunks_sha256 });
	for (const protocol of [null, 1, 2, 3]) expect(finishFor(protocol, finish, whole)).toBe(finish);
	expect(finishFor(4, finish, { last_seq: 7, chunks_sha256: null })).toBe(finish);
	// An earlier process of the agent sent more than its disk kept.
	expect(finishFor(4, finish, { last_seq: 6, chunks_sha256 })).toBe(finish);
});
