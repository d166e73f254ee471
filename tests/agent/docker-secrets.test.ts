// Secrets in containers of a real engine: where they arrive, and where they are never seen.
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DockerConfig } from '#domain/backend-config.ts';
import { Stream } from '#protocol/run-frames.ts';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { filesWith, seenOf } from '#tests/support/canary.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import type { SpecOf } from '#tests/support/specs.ts';

const CANARY = 'canary-7d3f2a91';
const SECRET = `${CANARY} "quoted"`;
const INPUT = `${CANARY} on standard input`;
const FILE = `${CANARY} in a file`;

describe.skipIf(noDockerd !== null)(`46: a secret in a container${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	let hub: FakeHub;
	let agent: AgentProcess;
	let engine: Dockerd;

	beforeAll(async () => {
		[hub, engine] = await Promise.all([FakeHub.start(), Dockerd.start()]);
		hub.protocol = 2;
		agent = await AgentProcess.create(hub, {
			policy: `version: 1
projects: all
backends: [docker]
tools: [shell]
scripts: { uploaded: true }
env: [TOKEN]
secret_env: [DB_PASSWORD]
secrets: { 3: ['env:DEPLOY_*'] }
docker: { socket: ${engine.socket}, images: [uhub-test] }
`,
			env: { DEPLOY_TOKEN: SECRET, DEPLOY_INPUT: INPUT, DEPLOY_FILE: FILE },
		});
	});
	afterAll(async () => {
		await agent.remove();
		await Promise.all([hub.stop(), engine.remove()]);
	});
	afterEach(() => {
		expect(hub.faults).toEqual([]);
	});

	const offered = (over: SpecOf, config: Partial<DockerConfig> = {}): HubRun =>
		hub.offer({ execution: { backend: 'docker', config: { image: 'uhub-test:1', ...config } }, ...over });
	async function ran(over: SpecOf, config?: Partial<DockerConfig>): Promise<HubRun> {
		const run = offered(over, config);
		await hub.ended(run);
		return run;
	}
	/** What a script said, without the agent's own first lines. */
	const saidIn = (run: HubRun): string => textOf(run, Stream.stdout).replace(/^uhub: .*\n/gm, '');
	const whoRuns = async () => (await engine.containers()).filter(({ State }) => State === 'running');
	/** Waits until the engine has nothing of the agent's any more. */
	const allGone = () => expect.poll(async () => [await engine.containers(), await engine.volumes()]).toEqual([[], []]);

	it('46: is a file in memory that whoever is in the container can read, and nobody else; and is masked', async () => {
		const script =
			'stat -c "%a" "$TOKEN"; stat -f -c %T "$TOKEN"; wc -c < "$TOKEN"; cat "$TOKEN"; echo; base64 < "$TOKEN"; (echo > "$TOKEN") 2>/dev/null && echo written; true';
		const run = await ran({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN' } }, { user: 'app' });
		expect(saidIn(run)).toBe(`444\ntmpfs\n${String(SECRET.length)}\n***\n***\n`);
	});

	it('46: is in no argument, environment, image, inspection, or file on a disk; and gone with the run', async () => {
		const run = offered(
			{
				script: 'exec 3< "$TOKEN"; head -c 1 <&3 >/dev/null; echo ready; sleep 1000',
				secrets: { TOKEN: 'env:DEPLOY_TOKEN' },
				grace_s: 0,
			},
			{ user: 'app' },
		);
		await hub.until(() => saidIn(run) === 'ready\n' && seenOf(run.run_id).args.includes('sleep'), 'the script');
		const [container] = await whoRuns();
		const inspected = await engine.inspect(container?.Id ?? '');
		const mount = (inspected['Mounts'] as { Source: string; Destination: string; RW: boolean }[]).find(
			({ Destination }) => Destination === '/run/uhub',
		);
		expect(mount).toMatchObject({ RW: false, Source: expect.stringMatching(/^\/dev\/shm\//) });
		expect(JSON.stringify(inspected)).not.toContain(CANARY);
		expect(JSON.stringify((await engine.ask('GET', '/images/uhub-test:1/history')).body)).not.toContain(CANARY);
		const { args, variables } = seenOf(run.run_id);
		expect(args.join(' ')).toContain('sleep');
		expect([...args, ...variables].join(' ')).not.toContain(CANARY);
		expect(filesWith(CANARY, engine.dir, agent.home)).toEqual([]);
		const asNobody = (file: string) =>
			execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'cat', file], { stdio: 'pipe' });
		expect(() => asNobody(`${mount?.Source ?? ''}/1`)).toThrow(/denied/);
		hub.cancel(run);
		await hub.ended(run);
		expect(() => execFileSync('ls', [mount?.Source ?? ''], { stdio: 'pipe' })).toThrow(/No such file/);
	});

	const deliver = (variable = 'DB_PASSWORD'): SpecOf => ({
		secret_parameters: { A: 'env:DEPLOY_TOKEN', B: 'env:DEPLOY_INPUT', C: 'env:DEPLOY_FILE' },
		parameters_schema: [
			{ name: 'A', type: 'secret', required: true, deliver: { as: 'env', variable } },
			{ name: 'B', type: 'secret', required: true, deliver: { as: 'stdin' } },
			{ name: 'C', type: 'secret', required: true },
		],
	});

	it('46: is a variable, the standard input or a file, as its parameter says, in each container, and masked', async () => {
		const script =
			'echo "${#DB_PASSWORD} [$UHUB_PARAM_A_FILE$UHUB_PARAM_B_FILE] $1"; tee "$HOME/in" | wc -c; wc -c < "$UHUB_PARAM_C_FILE"; echo "$DB_PASSWORD"; cat "$HOME/in" "$UHUB_PARAM_C_FILE"; echo; base64 < "$HOME/in"';
		const steps = [hub.scripts.step(script, { name: 'first' }), hub.scripts.step(script, { name: 'second' })];
		const run = await ran({ steps, arguments: ['an "argument" $x'], ...deliver() }, { user: 'app' });
		const each = `${String(SECRET.length)} [] an "argument" $x\n${String(INPUT.length)}\n${String(FILE.length)}\n***\n******\n***\n`;
		expect(saidIn(run)).toBe(`── 1/2 first\n${each}── 2/2 second\n${each}`);
		expect(run.finish?.outcome).toBe('success');
		expect(JSON.stringify(hub.messages)).not.toContain(CANARY);
		await allGone();
		expect(filesWith(CANARY, engine.dir, agent.home, '/dev/shm')).toEqual([]);
	});

	it('46: in a variable or on standard input, it is nowhere else, and in nothing that the engine keeps', async () => {
		const run = offered({ script: 'cat > /dev/null; echo ready; sleep 1000', grace_s: 0, ...deliver() });
		await hub.until(() => saidIn(run) === 'ready\n' && seenOf(run.run_id).args.includes('sleep'), 'the script');
		const [container] = await whoRuns();
		const inspected = JSON.stringify(await engine.inspect(container?.Id ?? ''));
		const listed = JSON.stringify((await engine.ask('GET', `/containers/${container?.Id ?? ''}/top`)).body);
		expect(listed).toContain('sleep');
		expect(inspected + listed).not.toContain(CANARY);
		const { args, variables } = seenOf(run.run_id);
		expect(args.join(' ')).toContain('sleep');
		expect(args.join(' ')).not.toContain(CANARY);
		expect([...new Set(variables.filter((one) => one.includes(CANARY)))]).toEqual([`DB_PASSWORD=${SECRET}`]);
		expect(filesWith(CANARY, engine.dir, agent.home)).toEqual([]);
		expect(agent.output).not.toContain(CANARY);
		hub.cancel(run);
		await hub.ended(run);
		await allGone();
		expect(filesWith(CANARY, engine.dir, agent.home, '/dev/shm')).toEqual([]);
	});

	it('46: in a variable that the policy does not name for secrets starts nothing', async () => {
		const run = await ran(deliver('TOKEN'));
		expect(run.refused).toMatchObject({ code: 'refused_by_policy', message: expect.stringContaining('secret_env') });
		expect(await engine.containers()).toEqual([]);
	});
});
