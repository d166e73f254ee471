// Secrets: resolved on the agent, handed over in memory, seen nowhere else.
import {
	chmodSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { filesWith, seenOf } from '#tests/support/canary.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import type { SpecOf } from '#tests/support/specs.ts';

const SECRET = 'tr0ub4dor&3 "quoted"';
const PEM = '-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\nEEEEFFFFGGGGHHHH\n-----END KEY-----\n';
const root = process.getuid?.() === 0;
const linux = process.platform === 'linux';

let hub: FakeHub;
let agent: AgentProcess;
let dir: string;

const policy = (more = '') => `version: 1
projects: all
backends: [local]
tools: [shell]
scripts: { uploaded: true }
env: [TOKEN, KEY, OTHER]
secret_env: [DB_*]
secrets:
  3: ['env:DEPLOY_*', 'env:SHORT', 'file:${dir}/secrets/']
  4: ['env:OTHER_TOKEN']
${more}`;

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-secrets-'));
	chmodSync(dir, 0o755);
	mkdirSync(path.join(dir, 'secrets'));
	writeFileSync(path.join(dir, 'secrets/key.pem'), PEM);
	writeFileSync(path.join(dir, 'outside'), 'an outside secret');
	symlinkSync('../outside', path.join(dir, 'secrets/link'));
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub, {
		policy: policy(),
		env: { DEPLOY_TOKEN: SECRET, OTHER_TOKEN: 'another secret', SHORT: 'abc' },
	});
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
	expect(hub.faults).toEqual([]);
});

async function ran(of: SpecOf): Promise<HubRun> {
	const run = hub.offer(of);
	await hub.ended(run);
	return run;
}

describe.skipIf(!linux)('46: a secret (handed over in /dev/shm, so on Linux only)', () => {
	it('46: arrives in a file in memory that only its user can read, and is gone with the run', async () => {
		const run = await ran({
			script: 'echo "$TOKEN"; stat -c "%a %u" "$TOKEN"; stat -f -c %T "$TOKEN"; wc -c < "$TOKEN"',
			secrets: { TOKEN: 'env:DEPLOY_TOKEN' },
		});
		const [file = '', mode, type, size] = textOf(run).trim().split('\n');
		expect(mode).toBe(`400 ${String(process.getuid?.())}`);
		expect(type).toBe('tmpfs');
		expect(Number(size)).toBe(SECRET.length);
		expect(readdirSync(path.dirname(path.dirname(file)))).not.toContain(path.basename(path.dirname(file)));
	});

	it('46: is in no log, in whatever form a script prints it', async () => {
		const script = `
s=$(cat "$TOKEN"); k="$KEY"
echo "raw: $s"; printf '%s' "$s" | base64; printf 'x%s' "$s" | base64; printf 'xy%s' "$s" | base64
printf '%s' "$s" | od -An -tx1 -v | tr -d ' \\n'; echo
printf '%s' "$s" | fold -w 1 | while IFS= read -r c; do printf '%s' "$c"; sleep 0.002; done; echo
echo "$s" >&2; cat "$k"; base64 "$k"; sed -n 2p "$k"
`;
		const run = await ran({ script, secrets: { TOKEN: 'env:DEPLOY_TOKEN', KEY: `file:${dir}/secrets/key.pem` } });
		const log = textOf(run);
		expect(run.finish?.outcome).toBe('success');
		expect(log).toContain('raw: ***');
		const b64 = (t: string) => Buffer.from(t).toString('base64').replace(/=+$/, '');
		for (const form of [
			SECRET,
			b64(SECRET).slice(0, -2),
			b64(`x${SECRET}`).slice(3, -2),
			b64(`xy${SECRET}`).slice(4, -2),
			Buffer.from(SECRET).toString('hex'),
			'AAAABBBBCCCCDDDD',
			'EEEEFFFF',
			b64(PEM).slice(0, 60),
		])
			expect(log, form).not.toContain(form);
	});

	it('46: is in no argument list, no environment, no file on a disk, and not in what the agent says', async () => {
		const run = hub.offer({
			script: 'exec 3< "$TOKEN"; echo ready; while [ ! -e "$HOME/go" ]; do sleep 0.02; done',
			secrets: { TOKEN: 'env:DEPLOY_TOKEN' },
		});
		await hub.until(() => textOf(run) === 'ready\n', 'the script');
		const { args, variables } = seenOf(run.run_id);
		expect(args).not.toEqual([]);
		expect([...args, ...variables].join(' ')).not.toContain(SECRET);
		expect(filesWith(SECRET, agent.home)).toEqual([]);
		expect(agent.output).not.toContain(SECRET);
		hub.cancel(run);
		await hub.ended(run);
		expect(filesWith(SECRET, agent.home)).toEqual([]);
		expect(filesWith(SECRET, '/dev/shm')).toEqual([]);
		expect(JSON.stringify(hub.messages)).not.toContain(SECRET);
	});

	it('46: of one step is not given to the others', async () => {
		const run = await ran({
			steps: [
				hub.scripts.step('cat "$UHUB_SECRET_FILE" >/dev/null && echo got it', { secret: 'env:DEPLOY_TOKEN' }),
				hub.scripts.step('echo "[$UHUB_SECRET_FILE]"'),
			],
		});
		expect(textOf(run)).toContain('got it\n');
		expect(textOf(run)).toContain('[]\n');
	});

	it('46: is swept from memory after the agent was killed', async () => {
		const run = hub.offer({
			script: 'echo "$TOKEN"; while :; do sleep 0.1; done',
			secrets: { TOKEN: 'env:DEPLOY_TOKEN' },
		});
		await hub.until(() => run.seq > 0, 'the script');
		const file = textOf(run).trim();
		expect(readFileSync(file, 'utf8')).toBe(SECRET);
		await agent.end('SIGKILL');
		await agent.start();
		expect(() => readFileSync(file)).toThrow(/ENOENT/);
		await hub.ended(run);
	});
});

describe.skipIf(!linux)('46: a secret parameter that a job wants otherwise than as a file', () => {
	const deliver = (how: object) => ({
		secret_parameters: { TOKEN: 'env:DEPLOY_TOKEN', KEY: `file:${dir}/secrets/key.pem` },
		parameters_schema: [
			{ name: 'TOKEN', type: 'secret' as const, required: true, deliver: how },
			{ name: 'KEY', type: 'secret' as const, required: false },
		] as SpecOf['parameters_schema'],
	});
	const inVariable = () => deliver({ as: 'env', variable: 'DB_PASSWORD' });
	const inputOnly = () => deliver({ as: 'stdin' });

	it('46: is a variable of the script and its children, whole, and masked in every form; the others are files still', async () => {
		const script =
			'echo "${#DB_PASSWORD} [$UHUB_PARAM_TOKEN_FILE] $1"; wc -c < "$UHUB_PARAM_KEY_FILE"; sh -c \'echo "$DB_PASSWORD"; printf %s "$DB_PASSWORD" | base64\'; env | grep -c uhub_ || true; read -r line || echo "no input"';
		const run = await ran({ script, arguments: ['an "argument" $x'], ...inVariable() });
		expect(run.finish?.outcome, textOf(run)).toBe('success');
		const [first, size, raw, base64, marks, input] = textOf(run).split('\n');
		expect([first, size, raw, marks, input]).toEqual([
			`${String(SECRET.length)} [] an "argument" $x`,
			String(PEM.length),
			'***',
			'0',
			'no input',
		]);
		// The last characters of a base64 text depend on what would follow.
		expect(base64).toMatch(/^\*\*\*.{0,3}$/);
	});

	it('46: is the standard input of every step, byte by byte, and nowhere else', async () => {
		const script = 'wc -c; env | grep -c PARAM_TOKEN || true';
		const run = await ran({ steps: [hub.scripts.step(script), hub.scripts.step('cat')], ...inputOnly() });
		expect(textOf(run)).toContain(`${String(SECRET.length)}\n0\n`);
		expect(textOf(run)).toMatch(/2\/2 step\n\*\*\*$/);
	});

	it.each([
		['in a variable', inVariable, 'script'],
		['on standard input', inputOnly, 'nobody'],
	])(
		'46: %s, it is in no argument list, no file on a disk, no message, and no environment but where it was asked for',
		async (_, how, who) => {
			const run = hub.offer({
				script: 'cat > /dev/null; echo ready; while [ ! -e "$HOME/go" ]; do sleep 0.02; done',
				...how(),
			});
			await hub.until(() => textOf(run) === 'ready\n', 'the script');
			const { args, variables } = seenOf(run.run_id);
			expect(args).not.toEqual([]);
			expect(args.join(' ')).not.toContain(SECRET);
			// It is under its name and no other.
			const wanted = who === 'nobody' ? [] : [`DB_PASSWORD=${SECRET}`];
			expect([...new Set(variables.filter((v) => v.includes(SECRET)))]).toEqual(wanted);
			expect(readFileSync(`/proc/${String(agent.pid)}/cmdline`, 'latin1')).not.toContain(SECRET);
			expect(filesWith(SECRET, agent.home)).toEqual([]);
			expect(agent.output).not.toContain(SECRET);
			hub.cancel(run);
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
			expect(filesWith(SECRET, agent.home)).toEqual([]);
			expect(filesWith(SECRET, '/dev/shm')).toEqual([]);
			expect(JSON.stringify(hub.messages)).not.toContain(SECRET);
		},
	);

	it('46: in a variable that the policy does not name for secrets starts nothing', async () => {
		for (const variable of ['TOKEN', 'LD_PRELOAD', 'PATH', 'UHUB_RUN_MARK']) {
			const run = await ran({ script: 'echo started', ...deliver({ as: 'env', variable }) });
			expect(run.refused?.code, variable).toMatch(/refused_by_policy|bad_request/);
			expect(run.started).toBe(false);
		}
	});

	it('46: that holds a NUL does not become a variable cut short', async () => {
		writeFileSync(path.join(dir, 'secrets/binary'), Buffer.from('longer than six\0and more'));
		const secret_parameters = { TOKEN: `file:${dir}/secrets/binary` };
		const run = await ran({ script: 'echo started', ...inVariable(), secret_parameters });
		expect(run.finish?.reason).toMatchObject({ code: 'secret_unavailable', message: expect.stringContaining('NUL') });
		expect(textOf(run)).toBe('');
	});
});

describe("47: a secret that is not the project's, or not to be had", () => {
	const reasonOf = async (ref: string, project_id = 3) => {
		const run = await ran({ script: 'echo started', project_id, secrets: { TOKEN: ref } });
		expect(textOf(run)).toBe('');
		return run.refused ?? run.finish?.reason;
	};

	it('47: of another project is refused', async () => {
		expect(await reasonOf('env:OTHER_TOKEN')).toMatchObject({ code: 'refused_by_policy' });
		expect(await reasonOf('env:DEPLOY_TOKEN', 4)).toMatchObject({ code: 'refused_by_policy' });
		expect(await reasonOf('env:DEPLOY_TOKEN', 5)).toMatchObject({ code: 'refused_by_policy' });
	});

	it('47: behind a link that leads out, missing, not set or too short is unavailable, without a word of what is there', async () => {
		for (const ref of [
			`file:${dir}/secrets/link`,
			`file:${dir}/secrets/none`,
			`file:${dir}/secrets/`,
			'env:DEPLOY_NONE',
			'env:SHORT',
		]) {
			const reason = await reasonOf(ref);
			expect(reason?.code, ref).toBe('secret_unavailable');
			expect(reason?.message).not.toMatch(/outside secret|abc/);
		}
		expect(await reasonOf(`file:${dir}/secrets/../outside`)).toMatchObject({ code: 'refused_by_policy' });
		expect(await reasonOf('vault:kv2/app/x#key')).toMatchObject({ code: 'refused_by_policy' });
	});
});

describe.skipIf(!root)('49: jobs as another user (only root can start them so)', () => {
	const UID = 65_534;
	let other: AgentProcess;
	let hub2: FakeHub;

	beforeAll(async () => {
		hub2 = await FakeHub.start();
		other = await AgentProcess.create(hub2, {
			policy: policy(`run_as: { uid: ${String(UID)}, gid: ${String(UID)} }\nworkspaces: ${dir}/work\n`),
			env: { DEPLOY_TOKEN: SECRET },
		});
	});
	afterAll(async () => {
		await other.remove();
		await hub2.stop();
	});

	it("49: read neither the agent's key nor its spool, policy, environment or memory", async () => {
		const files = ['key.pem', 'agent.json', 'policy.yaml', 'journal', 'spool'].map((f) => path.join(other.home, f));
		const run = hub2.offer({
			script: `id -u; id -G; for f in ${files.join(' ')} /proc/${String(other.pid)}/environ /proc/${String(other.pid)}/mem; do head -c 1 "$f" >/dev/null 2>&1 && echo "read $f"; ls "$f"/* >/dev/null 2>&1 && echo "listed $f"; done; touch "$HOME/mine" && echo wrote`,
		});
		await hub2.ended(run);
		expect(textOf(run)).toBe(`${String(UID)}\n${String(UID)}\nwrote\n`);
	});

	it('49: get their secrets, and not those of another run', async () => {
		const one = hub2.offer({
			script: 'echo "$TOKEN"; cat "$TOKEN" | wc -c; while :; do sleep 0.05; done',
			secrets: { TOKEN: 'env:DEPLOY_TOKEN' },
		});
		await hub2.until(() => textOf(one).split('\n').length > 2, 'the first');
		expect(textOf(one)).toContain(`\n${String(SECRET.length)}\n`);
		const two = hub2.offer({ script: `ls ${path.dirname(path.dirname(textOf(one).split('\n')[0] ?? ''))}` });
		await hub2.ended(two);
		expect(two.finish?.outcome).toBe('failed');
		hub2.cancel(one);
		await hub2.ended(one);
		expect(one.finish?.outcome).toBe('canceled');
		expect(hub2.faults).toEqual([]);
	});
});
