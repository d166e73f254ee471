// Secrets from a Vault: a stand-in of its documented API, over real TLS, and the agent as operators get it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultPolicy } from '#agent/policy/vault.ts';
import { Vault } from '#agent/vault.ts';
import { AgentProcess, command } from '#tests/support/agent-process.ts';
import { Authority } from '#tests/support/certificates.ts';
import { filesWith } from '#tests/support/canary.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { VaultServer } from '#tests/support/vault.ts';

const SECRET = 'c0rrect "horse" battery\'staple/+ü';
const PEM = `-----BEGIN KEY-----\n${'QUJDREVGR0hJSktMTU5PUA'.repeat(3)}\nZWZnaGlqa2xtbm9wcXJzdA\n-----END KEY-----\n`;

let authority: Authority;
let server: VaultServer;
let role: { role_id: string; secret_id: string };
let dir: string;

beforeAll(async () => {
	authority = new Authority();
	server = await VaultServer.start(authority.issue('IP:127.0.0.1', 'DNS:vault.test'));
	role = server.role(['apps/']);
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-vault-'));
	writeFileSync(path.join(dir, 'role'), `${role.role_id}\n`, { mode: 0o600 });
	writeFileSync(path.join(dir, 'secret'), role.secret_id, { mode: 0o600 });
	server.write('apps/shop/db', { password: 'first-password', port: 5432 });
	server.write('apps/shop/db', { password: SECRET, port: 5432, nested: { a: 1 } });
	server.write('apps/shop/old', { key: 'the first one' });
	server.write('apps/shop/old', { key: 'the second one' });
	server.write('apps/shop/old', { key: 'the third one' });
	server.delete('apps/shop/old', 1, 'destroyed');
	server.delete('apps/shop/old', 3, 'deleted');
	server.write('other/db', { password: 'not for this role' });
});
afterAll(async () => {
	await server.stop();
	authority.remove();
	rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
	server.sealed = false;
	server.namespace = '';
	server.instead = null;
	vi.useRealTimers();
});

const approle = () => ({ approle: { role_id: `file:${dir}/role`, secret_id: `file:${dir}/secret` } });
const vaultWith = (over: object = {}) =>
	new Vault(VaultPolicy.parse({ address: server.address, ca: authority.ca, auth: approle(), ...over }));
const read = async (ref: string, vault = vaultWith()) => (await vault.read(ref)).toString();

describe('a look-up in Vault', () => {
	it('reads the newest version, or the one that is asked for', async () => {
		expect(await read('vault:kv2/apps/shop/db#password')).toBe(SECRET);
		expect(await read('vault:kv2/apps/shop/db#password@1')).toBe('first-password');
		expect(await read('vault:kv2/apps/shop/old#key@2')).toBe('the second one');
	});

	for (const [what, ref, words] of [
		['a path that is not', 'vault:kv2/apps/shop/none#key', 'nothing at that path'],
		['a path that is not, in a version', 'vault:kv2/apps/shop/none#key@2', 'nothing at that path'],
		['a version that is not', 'vault:kv2/apps/shop/db#password@9', 'no version 9'],
		['a field that is not', 'vault:kv2/apps/shop/db#passwort', 'no field passwort'],
		['a field of Object', 'vault:kv2/apps/shop/db#constructor', 'no field constructor'],
		['a field that is no text', 'vault:kv2/apps/shop/db#nested', 'no text'],
		['a deleted version', 'vault:kv2/apps/shop/old#key', 'version 3 was deleted'],
		['a destroyed version', 'vault:kv2/apps/shop/old#key@1', 'version 1 was destroyed'],
		["what is another's", 'vault:kv2/other/db#password', 'permission denied'],
	] as const)
		it(`tells ${what} apart`, async () => {
			await expect(read(ref)).rejects.toThrow(words);
		});

	it('tells a sealed Vault, one that is away, one that is none and a wrong certificate apart', async () => {
		const ref = 'vault:kv2/apps/shop/db#password';
		server.sealed = true;
		await expect(read(ref)).rejects.toThrow('Vault is sealed');
		server.sealed = false;
		await expect(read(ref, vaultWith({ address: 'https://127.0.0.1:1' }))).rejects.toThrow(
			'cannot be reached (ECONNREFUSED)',
		);
		await expect(read(ref, vaultWith({ ca: null }))).rejects.toThrow('certificate is not the one expected');
		const strange = new Authority();
		await expect(read(ref, vaultWith({ ca: strange.ca }))).rejects.toThrow('certificate is not the one expected');
		strange.remove();
		await expect(read(ref, vaultWith({ server_name: 'other.test' }))).rejects.toThrow(
			'certificate is not the one expected',
		);
		expect(await read(ref, vaultWith({ server_name: 'vault.test' }))).toBe(SECRET);
		server.instead = (_, response) => Boolean(response.writeHead(307, { location: 'https://elsewhere' }).end());
		await expect(read(ref)).rejects.toThrow('sends the agent elsewhere');
		server.instead = (_, response) => Boolean(response.writeHead(200).end('<html>a proxy</html>'));
		await expect(read(ref)).rejects.toThrow('does not answer as one');
		server.instead = (_, response) => Boolean(response.writeHead(200).end(Buffer.alloc(1_100_000, 0x20)));
		await expect(read(ref)).rejects.toThrow('more than 1 MiB');
		server.instead = () => true;
		await expect(read(ref, vaultWith({ timeout_s: 1 }))).rejects.toThrow('does not answer in time');
	});

	it('says that a role or secret id is not valid, without them', async () => {
		writeFileSync(path.join(dir, 'wrong'), 'not-the-secret-id');
		const wrong = vaultWith({ auth: { approle: { role_id: `file:${dir}/role`, secret_id: `file:${dir}/wrong` } } });
		const error = await read('vault:kv2/apps/shop/db#password', wrong).catch(String);
		expect(error).toContain('does not let the agent in');
		expect(error).not.toMatch(new RegExp(`not-the-secret-id|${role.role_id}`));
		const none = vaultWith({ auth: { token: 'env:UHUB_TEST_NO_SUCH_TOKEN' } });
		await expect(read('vault:kv2/apps/shop/db#password', none)).rejects.toThrow('is not set on the agent');
	});

	it('asks in its namespace', async () => {
		server.namespace = 'org/team';
		expect(await read('vault:kv2/apps/shop/db#password', vaultWith({ namespace: 'org/team' }))).toBe(SECRET);
		await expect(read('vault:kv2/apps/shop/db#password')).rejects.toThrow(/does not let the agent in/);
	});
});

describe('the token of a look-up', () => {
	const ref = 'vault:kv2/apps/shop/db#password';
	const logins = () => server.asked.filter((line) => line.endsWith('/login')).length;
	const renewals = () => server.asked.filter((line) => line.endsWith('/renew-self')).length;
	beforeEach(() => {
		server.asked.length = 0;
		vi.useFakeTimers({ toFake: ['performance'] });
	});

	it('is made once for many look-ups at a time', async () => {
		const vault = vaultWith();
		await Promise.all(Array.from({ length: 10 }, () => read(ref, vault)));
		expect(logins()).toBe(1);
	});

	it('is renewed before it runs out, and made anew at the end of its longest time', async () => {
		const vault = vaultWith();
		await read(ref, vault);
		vi.advanceTimersByTime(2_000_000);
		await read(ref, vault);
		expect([logins(), renewals()]).toEqual([1, 0]);
		for (const [passed, ...expected] of [
			[600_000, 1, 1],
			[2_500_000, 1, 2],
			[3_000_000, 2, 2],
		] as const) {
			vi.advanceTimersByTime(passed);
			expect(await read(ref, vault)).toBe(SECRET);
			expect([logins(), renewals()]).toEqual(expected);
		}
	});

	it('is made anew when it was revoked', async () => {
		const vault = vaultWith();
		await read(ref, vault);
		server.revokeAll();
		expect(await read(ref, vault)).toBe(SECRET);
		expect(logins()).toBe(2);
	});

	it('is read anew from its file when it is not taken any more', async () => {
		const file = path.join(dir, 'token');
		writeFileSync(file, server.token(['apps/']));
		const vault = vaultWith({ auth: { token: `file:${file}` } });
		expect(await read(ref, vault)).toBe(SECRET);
		server.revokeAll();
		await expect(read(ref, vault)).rejects.toThrow('permission denied');
		writeFileSync(file, `${server.token(['apps/'])}\n`);
		expect(await read(ref, vault)).toBe(SECRET);
	});
});

const linux = process.platform === 'linux';

describe.skipIf(!linux)('46, 47: a run with secrets of a Vault (handed over in /dev/shm, so on Linux only)', () => {
	let hub: FakeHub;
	let agent: AgentProcess;
	const policy = () => `version: 1
projects: all
backends: [local]
tools: [shell]
scripts: { uploaded: true }
env: [TOKEN, KEY]
vault:
  address: ${server.address}
  ca: ${authority.ca}
  auth: { approle: { role_id: 'env:VAULT_ROLE', secret_id: 'file:${dir}/secret' } }
secrets:
  3: ['vault:kv2/apps/shop/*']
  4: ['vault:kv2/apps/other/*']
`;

	beforeAll(async () => {
		server.write('apps/shop/tls', { pem: PEM, short: 'abc' });
		hub = await FakeHub.start();
		agent = await AgentProcess.create(hub, { policy: policy(), env: { VAULT_ROLE: role.role_id } });
	});
	afterAll(async () => {
		await agent.remove();
		await hub.stop();
	});

	async function ran(script: string, secrets: Record<string, string>, project_id = 3): Promise<HubRun> {
		const run = hub.offer({ script, secrets, project_id });
		await hub.ended(run);
		return run;
	}
	it('46: are in no log, in whatever form a script prints them', async () => {
		const script = `
s=$(cat "$TOKEN"); k="$KEY"
echo "raw: $s"; for p in '' x xy; do printf '%s%s' "$p" "$s" | base64 -w0; echo; done
od -An -tx1 -v "$TOKEN" | tr -d ' \\n'; echo
printf '%s' "$s" | od -An -v -tx1 -w1 | while read -r b; do printf "\\\\x$b"; done > esc; printf "$(cat esc)"; echo
while IFS= read -r -n1 c; do printf '%s' "$c"; sleep 0.002; done < "$TOKEN" 2>/dev/null || dd if="$TOKEN" bs=1 2>/dev/null; echo
cat "$k"; base64 "$k"; sed -n 2p "$k"; sed -n 3p "$k" >&2
`;
		const run = await ran(script, { TOKEN: 'vault:kv2/apps/shop/db#password', KEY: 'vault:kv2/apps/shop/tls#pem' });
		expect(run.finish?.outcome).toBe('success');
		const log = Buffer.concat(run.log);
		expect(log.toString()).toContain('raw: ***');
		const b64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');
		for (const form of [
			...[SECRET, Buffer.from(SECRET).toString('hex'), b64(SECRET).slice(0, -2), b64(`x${SECRET}`).slice(3, -2)],
			...[b64(`xy${SECRET}`).slice(4, -2), b64(PEM).slice(0, 60), 'QUJDREVGR0hJ', 'ZWZnaGlqa2xt'],
		])
			expect(log.includes(form), form).toBe(false);
	});

	it('46: are in no argument list, no environment, no file on a disk, and not in what the agent says', async () => {
		const run = hub.offer({
			script: 'exec 3< "$TOKEN"; echo ready; while [ ! -e "$HOME/go" ]; do sleep 0.02; done',
			secrets: { TOKEN: 'vault:kv2/apps/shop/db#password' },
		});
		await hub.until(() => textOf(run) === 'ready\n', 'the script');
		const tokens = server.tokens;
		expect(tokens.length).toBeGreaterThan(0);
		const canaries = [SECRET, role.secret_id, ...tokens];
		const here = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
		for (const name of here) {
			let said: string;
			try {
				said = readFileSync(`/proc/${name}/environ`, 'utf8') + readFileSync(`/proc/${name}/cmdline`, 'utf8');
			} catch {
				continue;
			}
			for (const canary of canaries) expect(said.includes(canary), name).toBe(false);
		}
		for (const canary of canaries) {
			expect(filesWith(canary, agent.home)).toEqual([]);
			expect(agent.output.includes(canary), canary).toBe(false);
		}
		hub.cancel(run);
		await hub.ended(run);
		const said = JSON.stringify(hub.messages) + agent.output;
		for (const canary of canaries) {
			expect(filesWith(canary, agent.home, '/dev/shm')).toEqual([]);
			expect(said.includes(canary), canary).toBe(false);
		}
	});

	it("47: another project's reference, or one that is none, starts nothing and asks Vault nothing", async () => {
		server.asked.length = 0;
		for (const [ref, code] of [
			['vault:kv2/apps/other/db#password', 'refused_by_policy'],
			['vault:kv2/apps/shopping/db#password', 'refused_by_policy'],
			['vault:kv2/apps/shop#password', 'refused_by_policy'],
			['vault:kv2/apps/shop/../other/db#password', 'bad_request'],
			['vault:kv2/apps/shop/%2e%2e/other/db#password', 'bad_request'],
			['vault:kv2/apps/shop/..%2fother/db#password', 'bad_request'],
			['vault:kv2/apps/shop//db#password', 'bad_request'],
			['vault:kv1/apps/shop/db#password', 'refused_by_policy'],
			['vault:kv2/apps/shop/db#password?version=1', 'bad_request'],
			['vault:kv2/apps/shop/db', 'refused_by_policy'],
		] as const) {
			const run = await ran(`touch ${dir}/canary`, { TOKEN: ref });
			expect(run.refused?.code, ref).toBe(code);
		}
		const foreign = await ran(`touch ${dir}/canary`, { TOKEN: 'vault:kv2/apps/shop/db#password' }, 4);
		expect(foreign.refused?.code).toBe('refused_by_policy');
		expect(server.asked).toEqual([]);
		expect(readdirSync(dir)).not.toContain('canary');
	});

	it('47: what is not to be had starts nothing, and says why', async () => {
		for (const [ref, words] of [
			['vault:kv2/apps/shop/none#key', 'nothing at that path'],
			['vault:kv2/apps/shop/old#key', 'version 3 was deleted'],
			['vault:kv2/apps/shop/tls#short', 'shorter than 6'],
		] as const) {
			const run = await ran(`touch ${dir}/canary`, { TOKEN: ref });
			expect(run.finish, ref).toMatchObject({ started_at: null, reason: { code: 'secret_unavailable' } });
			expect(run.finish?.reason?.message).toContain(words);
		}
		expect(readdirSync(dir)).not.toContain('canary');
	});

	it('are told of by policy check and looked for by doctor', async () => {
		const check = await command(['policy', 'check', '--home', agent.home]);
		expect(check.stdout).toContain(`vault: ${server.address}`);
		const env = { VAULT_ROLE: role.role_id };
		expect((await command(['doctor', '--home', agent.home], env)).stdout).toContain('lets the agent in');
		server.sealed = true;
		const sealed = await command(['doctor', '--home', agent.home], env);
		expect(sealed).toMatchObject({ code: 1 });
		expect(sealed.stdout).toMatch(/FAIL.*Vault is sealed/);
	});
});
