import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint, hostName, KnownHosts } from '#agent/executors/ssh/known-hosts.ts';
import { exitOf } from '#agent/executors/ssh/outcome.ts';
import { commandThere, placeOn, seenAt } from '#agent/executors/ssh/place.ts';
import { line, wrapped } from '#agent/executors/ssh/wrapper.ts';
import { sshRefusal, SshPolicy } from '#agent/policy/ssh.ts';
import type { Exit } from '#agent/executors/contract.ts';

/** A public key as it travels; nobody has its private half. */
function key(type = 'ssh-ed25519'): Buffer {
	const name = Buffer.from(type);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(name.length);
	return Buffer.concat([length, name, randomBytes(36)]);
}
const written = (hosts: string, k: Buffer, type = 'ssh-ed25519', marker = '') =>
	`${marker}${hosts} ${type} ${k.toString('base64')} a comment\n`;
const hash = (name: string) => {
	const salt = randomBytes(20);
	return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('45: known hosts', () => {
	const [one, two, rsa] = [key(), key(), key('ssh-rsa')];

	it('tell a known key from a changed and an unknown one, by name, address and port', () => {
		const known = KnownHosts.parse(written('Web1.example,10.0.0.1', one) + written('[web1.example]:2222', two));
		expect(known.verdict('web1.EXAMPLE', 22, one)).toBe('known');
		expect(known.verdict('10.0.0.1', 22, one)).toBe('known');
		expect(known.verdict('web1.example', 22, two)).toBe('changed');
		expect(known.verdict('web1.example', 2222, two)).toBe('known');
		expect(known.verdict('web1.example', 2222, one)).toBe('changed');
		expect(known.verdict('web1.example', 2223, one)).toBe('unknown');
		expect(known.verdict('web2.example', 22, one)).toBe('unknown');
	});

	it('understand hashed names, patterns and what they leave out', () => {
		const known = KnownHosts.parse(written(hash('[db.example]:2222'), one) + written('*.lab,!evil.lab,h?', two));
		expect(known.verdict('DB.example', 2222, one)).toBe('known');
		expect(known.verdict('db.example', 22, one)).toBe('unknown');
		expect(known.verdict('a.lab', 22, two)).toBe('known');
		expect(known.verdict('evil.lab', 22, two)).toBe('unknown');
		expect(known.verdict('h1', 22, two)).toBe('known');
		expect(known.verdict('h11', 22, two)).toBe('unknown');
	});

	it('of several kinds count each, and a kind that is not known is a change', () => {
		const known = KnownHosts.parse(written('h', one) + written('h', rsa, 'ssh-rsa'));
		expect(known.types('h', 22)).toEqual(['ssh-ed25519', 'ssh-rsa']);
		expect(known.verdict('h', 22, rsa)).toBe('known');
		expect(known.verdict('h', 22, key('ecdsa-sha2-nistp256'))).toBe('changed');
	});

	it('that are revoked are refused, whatever else is said of them', () => {
		const known = KnownHosts.parse(written('h', one) + written('*', one, 'ssh-ed25519', '@revoked '));
		expect(known.verdict('h', 22, one)).toBe('revoked');
		expect(known.types('h', 22)).toEqual(['ssh-ed25519']);
	});

	it('pass over what they do not understand, and say where: authorities, other words, a key of another kind than it says', () => {
		const known = KnownHosts.parse(
			[
				'# comment',
				'',
				`@cert-authority *.example ssh-ed25519 ${one.toString('base64')}`,
				'h 1024 35 1234',
				'h',
				written('h', rsa).trim(),
				'|2|x|y ssh-rsa AAAA',
			].join('\n'),
		);
		expect(known.ignored).toEqual([3, 4, 5, 6, 7]);
		expect(known.verdict('h', 22, one)).toBe('unknown');
	});

	it('are read whatever they hold', () => {
		fc.assert(
			fc.property(fc.string(), fc.uint8Array(), (text, bytes) => {
				expect(KnownHosts.parse(text).verdict('h', 22, Buffer.from(bytes))).toMatch(/unknown|changed/);
			}),
		);
	});

	it('are named as OpenSSH names them', () => {
		expect(hostName('Host', 22)).toBe('host');
		expect(hostName('2001:DB8::1', 2222)).toBe('[2001:db8::1]:2222');
		expect(fingerprint(Buffer.from('x'))).toBe('SHA256:LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE');
	});
});

describe('40: what the shell of another host reads', () => {
	const sh = (text: string) => spawnSync('/bin/sh', [], { input: Buffer.from(text) });

	it('is one command with its values as they are', () => {
		const value = fc
			.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[$`'"\\!*;&|<>(){}\n -]{0,20}$/))
			.map((s) => s.replaceAll('\0', ''));
		fc.assert(
			fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), value, (args, env) => {
				const argv: [string, ...string[]] = ['/bin/sh', '-c', 'printf "%s\\000" "$PATH" "$VALUE" "$@"', 'sh', ...args];
				const command = { name: 'x', tool: 'shell' as const, argv, env: { VALUE: env, PATH: '/nowhere' } };
				const { stdout, status } = sh(wrapped(command, '/', 'begins'));
				expect(status).toBe(0);
				const head = stdout.indexOf('\n') + 1;
				expect(stdout.subarray(0, head).toString()).toMatch(/^begins \d+\n$/);
				const [path, ...rest] = stdout.subarray(head).toString().split('\0').slice(0, -1);
				expect(path).not.toBe('/nowhere');
				expect(rest).toEqual([env, ...args].map((text) => Buffer.from(text).toString()));
			}),
			{ numRuns: 6 },
		);
	});

	it('leads a session of its own, and reads nothing', () => {
		const look = 'read -r a b c d e sid rest < /proc/$$/stat; echo "$$ $sid"; cat | wc -c';
		const { stdout } = spawnSync('/bin/sh', [], {
			input: wrapped({ name: '', tool: 'shell', argv: ['/bin/sh', '-c', look], env: {} }, '/', 'b'),
		});
		const [, ids = '', read] = stdout.toString().split('\n');
		expect(new Set(ids.split(' ')).size).toBe(1);
		expect(read).toBe('0');
	});

	it('comes as a line that no login shell reads in its own way', () => {
		expect(line('rm -rf /tmp/x')).toBe("/bin/sh -c 'rm -rf /tmp/x'");
		for (const odd of ["it's", 'a\\b', 'a!b', 'a\nb']) expect(() => line(odd)).toThrow(/not for every shell/);
	});
});

describe('a place on a host', () => {
	it('is its own, also where two hosts are one machine', () => {
		const seen = seenAt('/var/tmp/', 'tag-1-1');
		const [a, b] = ['a', 'b'].map((host) => placeOn(host, seen, 'mark'));
		expect(a?.dir).toMatch(/^\/var\/tmp\/uhub-tag-1-1-[0-9a-f]{8}$/);
		expect([a?.dir, a?.secrets, a?.mark]).not.toEqual([b?.dir, b?.secrets, b?.mark]);
		if (!a) return;
		const there = commandThere(
			{
				name: 'x',
				tool: 'shell',
				argv: [`${seen.dir}/.uhub-step-1`, `${seen.dir}x`],
				env: { KEY: `${seen.secrets}/1`, OTHER: seen.dir, UHUB_RUN_MARK: 'mark' },
			},
			'a',
			seen,
			a,
		);
		expect(there.argv).toEqual([`${a.dir}/.uhub-step-1`, `${seen.dir}x`]);
		expect(there.env).toEqual({ KEY: `${a.secrets}/1`, OTHER: seen.dir, UHUB_RUN_MARK: a.mark, UHUB_HOST: 'a' });
	});
});

describe('how a run ended on its hosts', () => {
	const good: Exit = { kind: 'exit', code: 0 };
	const away: Exit = { kind: 'failed', reason: { code: 'connection_refused', message: 'no' }, code: null };
	const lost: Exit = { kind: 'lost', reason: { code: 'host_unreachable', message: 'gone' } };

	it('is how it ended on its only one, or how many failed', () => {
		expect(exitOf([['a', away]])).toBe(away);
		expect(
			exitOf([
				['a', good],
				['b', good],
			]),
		).toEqual(good);
		expect(
			exitOf([
				['a', good],
				['b', away],
				['c', { kind: 'exit', code: 3 }],
			]),
		).toEqual({
			kind: 'failed',
			code: null,
			reason: { code: 'hosts_failed', message: '2 of 3 hosts failed: b (connection refused), c (exit code 3)' },
		});
	});

	it('is unknown where it is unknown on one of them', () => {
		expect(
			exitOf([
				['a', good],
				['b', lost],
			]),
		).toMatchObject({ kind: 'lost', reason: { code: 'host_unreachable' } });
	});
});

describe("39: the policy's hosts", () => {
	const policy = SshPolicy.parse({
		known_hosts: '/k',
		hosts: ['web*.example', '10.0.0.?'],
		users: ['deploy'],
		jump: ['bastion'],
	});
	const refusal = (over: object) =>
		sshRefusal({ hosts: [{ name: 'a', address: 'web1.example' }], user: 'deploy', key_ref: 'env:K', ...over }, policy);

	it.each<[object, RegExp | null]>([
		[{}, null],
		[{ hosts: [{ name: 'a', address: 'WEB1.example' }] }, null],
		[{ hosts: [{ name: 'web1.example', address: '10.0.0.77' }] }, /10\.0\.0\.77 \(ssh\.hosts\)/],
		[{ hosts: [{ name: 'a', address: 'web1.example.evil.com' }] }, /ssh\.hosts/],
		[{ user: 'root' }, /root on another host/],
		[{ hosts: [{ name: 'a', address: 'web1.example', user: 'root' }] }, /root on another host/],
		[{ user: 'root', hosts: [{ name: 'a', address: 'web1.example', user: 'deploy' }] }, null],
		[{ jump: { host: 'web1.example' } }, /ssh\.jump/],
		[{ jump: { host: 'bastion' } }, null],
		[{ jump: { host: 'bastion', user: 'root' } }, /root on another host/],
	])('%j', (over, message) => {
		if (message === null) expect(refusal(over)).toBeNull();
		else expect(refusal(over)).toMatch(message);
	});

	it('are none where nothing is said', () => {
		expect(sshRefusal({ hosts: [{ name: 'a', address: 'a' }], user: 'a', key_ref: 'env:K' }, null)).toMatch(/ssh\)/);
	});
});
