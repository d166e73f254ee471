import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import { type AgentIdentity, becomes, enrolled, newBoot, queuedRun, TestAgent } from './live-world.ts';

// What the page of the fleet says of an agent that is turned away, and of what one has.

let admin: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const shown = () => admin.ok('GET', `/api/agents/${String(identity.id)}`);
const saysWhy = (code: string) =>
	expect.poll(async () => (await shown()).refusal, { timeout: 30_000 }).toMatchObject({ code });
const setStatus = (status: string) =>
	env.DB.prepare('update agents set status = ? where id = ?').bind(status, identity.id).run();

describe('an agent that is turned away', () => {
	it.each<[string, string, () => Promise<TestAgent>]>([
		['of another protocol', 'protocol', () => TestAgent.connect(identity, { v: 99 })],
		['with another key', 'signature', async () => TestAgent.connect({ ...identity, key: (await enrolled()).key })],
		...(['pending', 'quarantined', 'revoked'] as const).map((status): [string, string, () => Promise<TestAgent>] => [
			`that is ${status}`,
			status === 'pending' ? 'not_confirmed' : status,
			async () => {
				await setStatus(status);
				return TestAgent.connect(identity);
			},
		]),
	])('%s: why is shown until it comes in', async (_, code, connect) => {
		expect((await shown()).refusal).toBeNull();
		await connect();
		await saysWhy(code);
		const { refusal, version } = await shown();
		expect(refusal).toMatchObject({ message: expect.any(String), at: expect.stringMatching(/Z$/) });
		// It is no edit of a person's.
		expect(version).toBe(1);
		const { items } = (await admin.ok('GET', '/api/agents?limit=200')) as { items: { id: number; refusal: object }[] };
		expect(items.find(({ id }) => id === identity.id)?.refusal).toEqual(refusal);
		await setStatus('offline');
		await TestAgent.online(identity);
		expect((await shown()).refusal).toBeNull();
	});

	it('37: whose key is used in two places says so, and its quarantine does not hide it', async () => {
		const { agent: one } = await TestAgent.online(identity);
		const two = await TestAgent.connect(identity, { boot_id: newBoot() });
		const { nonce } = await one.next('ping');
		one.say({ type: 'pong', nonce });
		await two.socket.closes(4403);
		await saysWhy('key_in_two_places');
		const again = await TestAgent.connect(identity);
		await again.socket.closes(4403);
		// What is asked of the link now comes after what it had to write.
		await env.AGENT_LINK.getByName(String(identity.id)).refresh();
		await saysWhy('key_in_two_places');
	});

	it('37: strangers who say they are it cannot have it written down again and again', async () => {
		const other = await enrolled();
		const stranger = () => TestAgent.connect({ ...identity, key: other.key });
		await (await stranger()).socket.closes(4401);
		await saysWhy('signature');
		const { refusal } = await shown();
		for (let n = 0; n < 3; n++) await (await stranger()).socket.closes(4401);
		await TestAgent.connect(identity, { v: 99 });
		await saysWhy('protocol');
		await (await stranger()).socket.closes(4401);
		expect((await shown()).refusal).toMatchObject({ code: 'protocol' });
		expect(refusal).not.toBeNull();
	});
});

it('how many of its slots are in use is shown, and less when a run is over', async () => {
	const { agent } = await TestAgent.online(identity);
	const busy = (count: number) => expect.poll(async () => (await shown()).busy, { timeout: 30_000 }).toBe(count);
	await busy(0);
	const runs = [await queuedRun(admin, p), await queuedRun(admin, p)];
	const writers = [await agent.start(1), await agent.start(2)];
	await busy(2);
	await writers[0]?.finish();
	await busy(1);
	await writers[1]?.finish();
	await busy(0);
	for (const run of runs) await becomes(run, { status: 'success' });
});
