import { describe, expect, it, vi } from 'vitest';
import { Rights } from '#durable/rights.ts';
import type { Watcher } from '#durable/watcher.ts';

/** Sockets as far as rights go: they can be closed. */
class FakeSocket {
	code: number | null = null;
	close(code: number) {
		this.code = code;
	}
}
const watcher = (id: number, expires_at = Infinity): Watcher => ({
	user_id: id,
	name: 'x',
	admin: false,
	proof: { kind: 'session', id },
	expires_at,
});

function world(watchers: Watcher[]) {
	const start = Date.now();
	const sockets = watchers.map((w) => ({ fake: new FakeSocket(), w }));
	const asked: number[][] = [];
	const answers = { stand: new Map<string, boolean>(), fail: false };
	const rights = new Rights(
		(proofs) => {
			asked.push(proofs.map(({ id }) => id));
			return answers.fail ? Promise.reject(new Error('away')) : Promise.resolve(answers.stand);
		},
		() => sockets.map(({ fake, w }): [WebSocket, Watcher] => [fake as unknown as WebSocket, w]),
		() => undefined,
	);
	return { start, sockets, asked, answers, rights, codes: () => sockets.map(({ fake }) => fake.code) };
}

describe('4: rights behind open sockets', () => {
	it('end with the session, at once', () => {
		const { rights, codes, start, asked } = world([watcher(1, Date.now() + 100), watcher(2)]);
		rights.look(start + 100);
		expect(codes()).toEqual([4401, null]);
		expect(asked).toEqual([]);
	});

	it('are asked anew after half a minute, each session once; who lost them is closed', async () => {
		const { rights, codes, start, asked, answers } = world([watcher(1), watcher(2), watcher(2), watcher(3)]);
		answers.stand = new Map([
			['session 1', false],
			['session 2', true],
		]);
		rights.look(start + 29_000);
		expect(asked).toEqual([]);
		for (let i = 0; i < 5; i++) rights.look(start + 31_000 + i);
		expect(asked).toEqual([[1, 2, 3]]);
		await expect.poll(codes).toEqual([4403, null, null, 4401]);
	});

	it('stay while the record is away, and are asked again', async () => {
		const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
		const { rights, codes, start, asked, answers } = world([watcher(1)]);
		answers.fail = true;
		rights.look(start + 31_000);
		await expect.poll(() => error.mock.calls).toHaveLength(1);
		expect(codes()).toEqual([null]);
		answers.fail = false;
		rights.look(start + 31_001);
		expect(asked).toHaveLength(2);
		await expect.poll(codes).toEqual([4401]);
	});
});

describe('4: rights that changed', () => {
	it('are asked at once, for the sockets of that person alone, or of all', async () => {
		const { rights, codes, asked, answers } = world([watcher(1), watcher(2), watcher(3)]);
		answers.stand = new Map([
			['session 1', true],
			['session 3', false],
		]);
		await rights.changed(2, Date.now());
		expect(asked).toEqual([[2]]);
		expect(codes()).toEqual([null, 4401, null]);
		await rights.changed(null, Date.now());
		expect(codes()).toEqual([null, 4401, 4403]);
	});

	it('are asked until the record answers', async () => {
		vi.useFakeTimers();
		try {
			const { rights, codes, asked, answers } = world([watcher(1)]);
			answers.fail = true;
			const done = rights.changed(1, Date.now());
			await vi.advanceTimersByTimeAsync(600);
			expect(asked.length).toBeGreaterThan(1);
			answers.fail = false;
			await vi.advanceTimersByTimeAsync(2_000);
			await done;
			expect(codes()).toEqual([4401]);
		} finally {
			vi.useRealTimers();
		}
	});

	it('are not missed by a socket that was let in before and arrives after', async () => {
		const { rights, codes, asked, start } = world([watcher(1)]);
		await rights.arrived(watcher(1), start);
		expect(asked).toEqual([]);
		await rights.changed(9, start);
		expect(asked).toEqual([]);
		await rights.arrived(watcher(1), start + 9_000);
		expect(codes()).toEqual([4401]);
		await rights.arrived(watcher(1), start + 11_000);
		expect(asked).toEqual([[1]]);
	});

	it('tell when the first session ends by itself', () => {
		const { rights } = world([watcher(1, 3000), watcher(2, 2000), watcher(3)]);
		expect(rights.nextEnd).toBe(2000);
		expect(world([]).rights.nextEnd).toBeNull();
	});
});
