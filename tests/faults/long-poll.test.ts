// The agent behind proxies that let no WebSocket through, with a real hub behind them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Key } from '#agent/key.ts';
import { Link } from '#agent/link.ts';
import { command } from '#tests/support/agent-process.ts';
import { Api } from '#tests/support/api.ts';
import { CutProxy, type Eats } from '#tests/support/cut-proxy.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { online, type RealAgent, realAgent } from '#tests/support/real-agent.ts';

let hub: TestHub;
let admin: Api;
const kinds = ['refuses', 'strips', 'drops', 'keeps_silent'] as const satisfies readonly Eats[];
const behind = new Map<Eats, { proxy: CutProxy; agent: RealAgent }>();

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	await Promise.all(
		kinds.map(async (eats) => {
			const proxy = await CutProxy.start(hub.url);
			proxy.eats = eats;
			behind.set(eats, { proxy, agent: await realAgent(admin, { dial: proxy.url, labels: { eats } }) });
		}),
	);
});

afterAll(async () => {
	await Promise.all(
		[...behind.values()].map(async ({ proxy, agent }) => {
			await agent.remove();
			await proxy.close();
		}),
	);
	await hub.stop();
});

const at = (eats: Eats) => {
	const found = behind.get(eats);
	if (!found) throw new Error(`nobody is behind one that ${eats}`);
	return found;
};
/** Begins a run on the agent behind a proxy of that kind. */
const begin = async (eats: Eats, script: string) => {
	const { job_id } = await admin.jobWith(script, { labels: { eats } });
	return admin.run(job_id);
};
const logHas = (id: number, text: string) =>
	expect.poll(async () => (await admin.log(id)).toString(), { interval: 20 }).toContain(text);

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${String(i + 1)}\n`).join('');
/** Counts, a few lines at a time, and notes in a file of its own that it was started. */
const counting = (file: string, count: number) =>
	`#!/bin/sh\necho started >> ${file}\nfor i in $(seq ${String(count)}); do echo $i; [ $((i % 20)) != 0 ] || sleep 0.05; done\n`;

describe('a proxy that', () => {
	it.each(kinds)(
		'%s WebSockets does not keep an agent from a run, to its end and with all of its log',
		async (eats) => {
			const { agent } = at(eats);
			const id = await begin(eats, '#!/bin/sh\nseq 100000\necho done >&2\n');
			expect(await admin.ended(id)).toMatchObject({ status: 'success', agent_id: agent.id });
			expect((await admin.log(id)).toString()).toBe(`${numbers(100_000)}done\n`);
			const { stdout } = await command(['status', '--home', agent.home]);
			expect(stdout).toContain('connected by long-polling');
			expect(agent.output()).toContain('WebSockets do not get through');
		},
	);
});

it('a cancel gets through, and is over when nothing of it lives', async () => {
	const id = await begin('refuses', '#!/bin/sh\necho on\nsleep 1000\n');
	await logHas(id, 'on\n');
	await admin.ok('POST', `/api/runs/${String(id)}/cancel`, {});
	expect(await admin.ended(id)).toMatchObject({ status: 'canceled' });
});

it('lost answers, repeated requests and cut ones lose and double nothing', async () => {
	const { proxy, agent } = at('strips');
	const canary = path.join(agent.home, 'canary');
	let requests = 0;
	proxy.fate = (address) => {
		if (!address.startsWith('/live/agent/')) return 'pass';
		requests++;
		return requests % 7 === 3 ? 'lose_answer' : requests % 7 === 5 ? 'twice' : 'pass';
	};
	const id = await begin('strips', counting(canary, 1000));
	await logHas(id, '100\n');
	// All that is under way, in both directions.
	proxy.cut();
	proxy.heal();
	expect(await admin.ended(id)).toMatchObject({ status: 'success' });
	proxy.fate = () => 'pass';
	expect((await admin.log(id)).toString()).toBe(numbers(1000));
	expect(readFileSync(canary, 'utf8')).toBe('started\n');
	expect(requests).toBeGreaterThan(20);
	// It was one and the same connection all the time.
	expect(agent.output().match(/ connected to .+ as agent/g), agent.output()).toHaveLength(1);
});

it('a hub that was killed meanwhile is found again by the same way, and the run goes on where it was', async () => {
	const { agent } = at('refuses');
	const canary = path.join(agent.home, 'canary');
	const id = await begin('refuses', counting(canary, 4000));
	await logHas(id, '100\n');
	await hub.kill9();
	await hub.restart();
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	expect(await admin.ended(id)).toMatchObject({ status: 'success' });
	expect((await admin.log(id)).toString()).toBe(numbers(4000));
	expect(readFileSync(canary, 'utf8')).toBe('started\n');
});

it('an agent that is killed is missed, and back at once when it starts again', async () => {
	const { agent } = at('refuses');
	const id = await begin('refuses', '#!/bin/sh\necho on\nsleep 1000\n');
	await logHas(id, 'on\n');
	await agent.kill9();
	agent.start();
	expect(await admin.ended(id)).toMatchObject({ status: 'lost', reason: { code: 'agent_lost' } });
	await online(admin, agent.id, () => agent.output());
});

it('doctor says what gets through', async () => {
	const { agent } = at('refuses');
	const { stdout } = await command(['doctor', '--home', agent.home]);
	expect(stdout).toMatch(/WARN +WebSockets do not reach it \(it answered 426.*\): the agent will use long-polling/);
});

it('goes over to a WebSocket when one gets through', async () => {
	const { proxy, agent } = at('refuses');
	await agent.stop();
	const { agent_id } = JSON.parse(readFileSync(path.join(agent.home, 'agent.json'), 'utf8')) as { agent_id: number };
	const said: string[] = [];
	let welcomes = 0;
	const link = new Link({
		hub: new URL(proxy.url),
		agent_id,
		boot_id: 'ab'.repeat(16),
		key: await Key.read(path.join(agent.home, 'key.pem')),
		log: (text) => said.push(text),
		hello: () => ({ version: 'test', labels: {}, capacity: 1, abilities: { backends: [], tools: {} }, runs: [] }),
		onMessage: ({ type }) => (welcomes += type === 'welcome' ? 1 : 0),
		onBinary: () => undefined,
		onDown: () => undefined,
		againMs: 50,
	});
	link.open();
	await expect.poll(() => link.connected).toBe('long-poll');
	proxy.eats = 'nothing';
	await expect.poll(() => link.connected).toBe('websocket');
	expect(welcomes).toBe(2);
	expect(said.filter((text) => text.startsWith('not connected'))).toHaveLength(1);
	await link.close();
	proxy.eats = 'refuses';
	agent.start();
}, 60_000);
