// Playbooks: the host's own ansible-playbook, over real sshds and over ansible's local connection.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunSpec } from '#protocol/run-spec.ts';
import { processesWith } from '#tests/support/agent-process.ts';
import { type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { freePort, noSshd } from '#tests/support/sshd.ts';
import { endsOf, outcomes, SshWorld } from '#tests/support/ssh-world.ts';
import type { SpecOf } from '#tests/support/specs.ts';

const noAnsible =
	spawnSync('ansible-playbook', ['--version']).status === 0
		? noSshd
		: 'there is no ansible-playbook (Debian: ansible-core)';
if (noAnsible !== null && process.env['CI']) throw new Error(noAnsible);

const VAULT = 'the-vault-passw0rd';
const SECRET = 'kept-in-the-vault-only';

let world: SshWorld;

describe.skipIf(noAnsible !== null)(`a playbook${noAnsible === null ? '' : ` (not here: ${noAnsible})`}`, () => {
	beforeAll(async () => {
		// Without the line's end that ssh wants of a key: secrets are seldom kept with it.
		world = await SshWorld.create({ DEPLOY_VAULT: VAULT }, 'backends: [local]\ntools: [ansible, shell]\n');
		writeFileSync(path.join(world.town.dir, 'bare-key'), readFileSync(world.town.key, 'utf8').trimEnd());
	});
	afterAll(() => world.remove());
	afterEach(() => {
		expect(world.hub.faults).toEqual([]);
	});

	const over = (name: string, address: string, port: number) =>
		`${name} ansible_host=${address} ansible_port=${String(port)} ansible_user=root`;
	const inventory = (text: string, limit: string | null = null): NonNullable<RunSpec['inventory']> => {
		const { sha256, size } = world.hub.scripts.step(text) as { sha256: string; size: number };
		return { sha256, size, format: 'ini', limit, key_ref: `file:${world.town.dir}/bare-key` };
	};
	const playbook = (text: string, more: { secret?: string; name?: string } = {}) =>
		world.hub.scripts.step(`- hosts: all\n  gather_facts: false\n  tasks:\n${text}`, { tool: 'ansible', ...more });
	async function ran(steps: RunSpec['steps'], spec: SpecOf): Promise<HubRun> {
		const run = world.hub.offer({ steps, ...spec });
		await world.hub.ended(run, 60_000);
		return run;
	}
	const LOCAL = 'here ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n';

	it('reaches its hosts by ssh and here, each with an outcome and its counts', async () => {
		const refused = await freePort('127.0.0.1');
		const hosts = [
			over('web1', '127.0.0.1', world.web(1).port),
			over('web2', '127.0.0.2', world.web(2).port),
			over('away', '127.0.0.1', refused),
			over('not-meant', '127.0.0.3', world.web(3).port),
			LOCAL,
		];
		const run = await ran(
			[
				playbook(`
    - raw: echo "on $(echo $SSH_CONNECTION | cut -d' ' -f3) as {{ inventory_hostname }}"
      register: said
    - debug: { var: said.stdout }
    - raw: exit 3
      when: inventory_hostname == 'web2'
`),
			],
			{ inventory: inventory(hosts.join('\n'), 'all:!not-meant') },
		);
		const text = textOf(run);
		expect(text).toContain('on 127.0.0.1 as web1');
		expect(text).toContain('on 127.0.0.2 as web2');
		expect(text).not.toContain('not-meant');
		expect(text).toContain('\x1b[0;33m');
		expect(outcomes(run)).toEqual({
			web1: 'success',
			here: 'success',
			web2: 'failed',
			away: 'host_unreachable',
			null: 'hosts_failed',
		});
		const counts = Object.fromEntries(endsOf(run).map((r) => [r.host, r.counts]));
		expect(counts).toMatchObject({
			web1: { ok: 2, changed: 1, failed: 0, skipped: 1, unreachable: 0 },
			web2: { ok: 2, changed: 1, failed: 1 },
			away: { ok: 0, unreachable: 1 },
			null: null,
		});
		expect(run.records.filter((r) => r.type === 'step_started').map((r) => r.host)).toEqual([
			null,
			...['web1', 'web2', 'away', 'here'].map(() => expect.any(String) as string),
		]);
		expect(run.finish).toMatchObject({
			outcome: 'failed',
			exit_code: expect.any(Number) as number,
			reason: { code: 'hosts_failed' },
		});
		expect(run.finish?.reason?.message).toMatch(/^2 of 4 hosts failed: away \(unreachable\), web2 \(failed\)$/);
	});

	it('45: does not reach a host whose key nobody vouches for, and says so of the only one', async () => {
		world.town.know(world.web(2).known);
		const run = await ran([playbook('    - raw: "true"\n')], {
			inventory: inventory(over('web1', '127.0.0.1', world.web(1).port)),
		});
		world.know();
		expect(textOf(run)).toContain('Host key verification failed');
		expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'host_unreachable' } });
	});

	it('is for the hosts that were chosen, and only says what would change where that is asked', async () => {
		const file = path.join(world.town.dir, 'made');
		const run = await ran(
			[playbook(`    - copy: { content: "new text", dest: "${file}-{{ inventory_hostname }}" }\n`, { name: 'files' })],
			{
				inventory: inventory(`${LOCAL}${LOCAL.replace('here', 'there')}`),
				parameters_schema: [{ name: 'ON', type: 'hosts', required: false }],
				parameters: { ON: 'there' },
				hosts: ['there'],
				check: true,
			},
		);
		expect(run.finish).toMatchObject({ outcome: 'success' });
		expect(textOf(run)).toMatch(/\+new text/);
		expect(endsOf(run).map(({ host, counts }) => [host, counts?.['changed']])).toEqual([
			['there', 1],
			[null, undefined],
		]);
		expect(existsSync(`${file}-there`)).toBe(false);
		const mixed = await ran([playbook('    - raw: "true"\n'), world.hub.scripts.step(`touch ${file}`)], {
			inventory: inventory(LOCAL),
			check: true,
		});
		expect(mixed.refused).toMatchObject({ code: 'bad_request' });
		expect(existsSync(file)).toBe(false);
	});

	it('40: takes parameters as text and never as templates, arguments as they are, and its vault by a file', async () => {
		const canary = path.join(world.town.dir, 'canary');
		const nasty = `{{ lookup('pipe', 'touch ${canary}') }} $(touch ${canary}) "q" 'q' \u00e9 \u{1f600}\n{% raw %}`;
		const password = path.join(world.town.dir, 'vault-password');
		writeFileSync(password, VAULT, { mode: 0o600 });
		const encrypt = ['encrypt_string', '--vault-password-file', password, SECRET, '--name', 'secret'];
		const encrypted = execFileSync('ansible-vault', encrypt, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
		const run = await ran(
			[
				world.hub.scripts.step(
					`- hosts: all\n  gather_facts: false\n  vars:\n${encrypted.trimEnd().replace(/^/gm, '    ')}\n  tasks:
    - copy: { content: "{{ TEXT }}|{{ COUNT + 1 }}|{{ ARG }}", dest: "${world.town.dir}/got" }
    - debug: { msg: "{{ secret }}" }
    - command: cat "{{ lookup('env', 'UHUB_PARAM_KEY_FILE') }}"
      no_log: true
`,
					{ tool: 'ansible', secret: 'env:DEPLOY_VAULT' },
				),
			],
			{
				inventory: inventory(LOCAL),
				parameters: { TEXT: nasty, COUNT: '41' },
				parameters_schema: [
					{ name: 'TEXT', type: 'text', required: true },
					{ name: 'COUNT', type: 'number', required: true },
					{ name: 'KEY', type: 'secret', required: true },
				],
				secret_parameters: { KEY: 'env:DEPLOY_VAULT' },
				arguments: ['-e', 'ARG={{COUNT}}', '--diff'],
			},
		);
		expect(run.finish, textOf(run)).toMatchObject({ outcome: 'success' });
		expect(existsSync(canary)).toBe(false);
		expect(readFileSync(path.join(world.town.dir, 'got'), 'utf8')).toBe(`${nasty}|42|41`);
		expect(textOf(run)).toContain(SECRET);
		expect(textOf(run)).not.toContain(VAULT);
	});

	it('40: a parameter that Ansible would take for more than text starts nothing', async () => {
		const canary = path.join(world.town.dir, 'canary');
		const template = `{{ lookup('pipe', 'touch ${canary}') }}`;
		// Each of these has Ansible run the program, where it is handed on.
		for (const asked of [
			{ parameters: { ansible_python_interpreter: `/bin/sh -c "touch ${canary}" #` } },
			{ parameters: { ansible_connection: 'ssh', ansible_ssh_common_args: ` -o ProxyCommand='touch ${canary}'` } },
			{ parameters: { inventory_hostname: '127.0.0.3' } },
			{ parameters: { TEXT: template }, arguments: ['-e', 'ARG={{TEXT}}'] },
			{ parameters: { TEXT: `x ansible_shell_executable=${canary}` }, arguments: ['-e', 'ARG={{TEXT}}'] },
			{ parameters: { TEXT: template }, arguments: ['-u', '{{TEXT}}'] },
		] as SpecOf[]) {
			const run = await ran([playbook('    - ping:\n    - debug: { msg: "{{ ARG | default(TEXT) }}" }\n')], {
				inventory: inventory(LOCAL),
				...asked,
			});
			expect(run.refused, JSON.stringify(asked)).toMatchObject({ code: 'bad_request' });
		}
		expect(existsSync(canary)).toBe(false);
	});

	it('under the data root finds what lies beside it: its roles, files and settings', async () => {
		const data = path.join(world.town.dir, 'data');
		for (const dir of ['site/plays/templates', 'site/roles/greet/tasks'])
			mkdirSync(path.join(data, dir), { recursive: true });
		writeFileSync(path.join(data, 'site/roles/greet/tasks/main.yml'), '- debug: { msg: "from the role" }\n');
		writeFileSync(path.join(data, 'site/plays/templates/t.j2'), 'from the template');
		writeFileSync(path.join(data, 'site/plays/ansible.cfg'), '[defaults]\nroles_path = ../roles\n');
		const tasks = `  tasks:\n    - debug: { msg: "{{ lookup('template', 't.j2') }}" }\n`;
		writeFileSync(
			path.join(data, 'site/plays/play.yml'),
			`- hosts: all\n  gather_facts: false\n  roles: [greet]\n${tasks}`,
		);
		const step = {
			location_type: 'fs_path',
			name: 'play',
			tool: 'ansible',
			secret: null,
			path: 'site/plays/play.yml',
		} as const;
		const run = await ran([step], { inventory: inventory(LOCAL) });
		expect(run.finish, textOf(run)).toMatchObject({ outcome: 'success' });
		expect(textOf(run)).toContain('from the role');
		expect(textOf(run)).toContain('from the template');
	});

	it('ends with all of it, its connections too, when it is stopped', async () => {
		const started = path.join(world.town.dir, 'started');
		const run = world.hub.offer({
			steps: [playbook(`    - raw: touch ${started}; while [ -d ${world.gates.dir} ]; do sleep 0.1; done\n`)],
			inventory: inventory(over('web1', '127.0.0.1', world.web(1).port)),
		});
		await expect.poll(() => existsSync(started)).toBe(true);
		const mark = `UHUB_RUN_ID=${String(run.run_id)}\0`;
		await expect.poll(() => processesWith(mark).length).toBeGreaterThan(1);
		world.hub.cancel(run);
		await world.hub.ended(run);
		expect(processesWith(mark)).toEqual([]);
		expect(run.finish).toMatchObject({ outcome: 'canceled' });
		rmSync(started);
	});

	it('needs its inventory, and the references the policy gives', async () => {
		expect((await ran([playbook('    - raw: "true"\n')], {})).finish).toMatchObject({
			reason: { code: 'inventory_missing' },
		});
		const key = { ...inventory(LOCAL), key_ref: 'env:OTHER' };
		expect((await ran([playbook('    - raw: "true"\n')], { inventory: key })).refused).toMatchObject({
			code: 'refused_by_policy',
		});
	});
});
