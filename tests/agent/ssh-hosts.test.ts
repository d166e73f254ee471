// How hosts are recognised and let the agent in, and what is said where they do not.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '#tests/support/fake-hub.ts';
import { freePort, noSshd, type Sshd } from '#tests/support/sshd.ts';
import { endsOf, outcomes, SshWorld, target } from '#tests/support/ssh-world.ts';

const SECRET = 'no key at all';
const PASSPHRASE = 'correct horse battery';

let world: SshWorld;

describe.skipIf(noSshd !== null)(`hosts reached by ssh${noSshd === null ? '' : ` (not here: ${noSshd})`}`, () => {
	beforeAll(async () => {
		world = await SshWorld.create({ DEPLOY_TOKEN: SECRET, DEPLOY_PASSPHRASE: PASSPHRASE });
	});
	afterAll(() => world.remove());
	afterEach(() => {
		expect(world.hub.faults).toEqual([]);
	});

	describe('a host that cannot be reached', () => {
		it('45: says why, each host for itself, and holds up no other', async () => {
			const changed = await world.town.start('127.0.0.4');
			const unknown = await world.town.start('127.0.0.5');
			const revoked = await world.town.start('127.0.0.6');
			const keyOf = (sshd: Sshd) => sshd.known.split(' ').slice(1).join(' ');
			const nameOf = (sshd: Sshd) => sshd.known.split(' ')[0] ?? '';
			world.know(`${nameOf(changed)} ${keyOf(unknown)}`, revoked.known, `@revoked * ${keyOf(revoked)}`);
			const run = await world.ran('echo in', {
				hosts: [
					target('good', world.web(1)),
					target('changed', changed),
					target('unknown', unknown),
					target('revoked', revoked),
					target('refused', { address: '127.0.0.1', port: await freePort('127.0.0.1') }),
					target('away', world.away),
					{ ...target('denied', world.web(2)), user: 'nobody' },
				],
			});
			expect(textOf(run)).toBe('[good] in\n');
			expect(outcomes(run)).toEqual({
				good: 'success',
				changed: 'host_key_changed',
				unknown: 'host_key_unknown',
				revoked: 'host_key_changed',
				refused: 'connection_refused',
				away: 'host_unreachable',
				denied: 'permission_denied',
			});
			expect(run.finish?.reason?.code).toBe('hosts_failed');
			expect(run.finish?.reason?.message).toContain('6 of 7 hosts failed: changed (host key changed), ');
			const said = endsOf(run).find((r) => r.host === 'unknown')?.reason?.message;
			expect(said).toMatch(/^\[127\.0\.0\.5\]:\d+ shows the key ssh-ed25519 SHA256:/);
			// Nothing was learned from it.
			expect(readFileSync(world.town.knownHosts, 'utf8')).not.toContain(nameOf(unknown));
		});

		it('is the reason of the run where it is the only one', async () => {
			const port = await freePort('127.0.0.2');
			const run = await world.ran('true', { hosts: [target('h', { address: '127.0.0.2', port })] });
			expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'connection_refused' } });
		});

		it('is known by a hashed name, and by any of its keys', async () => {
			const rsa = await world.town.start('127.0.0.7', { hostKey: world.town.makeKey('rsa', '', 'rsa') });
			const both = await world.town.start('127.0.0.7', {
				config: [`HostKey=${world.town.makeKey('second', '', 'ecdsa')}`],
			});
			world.know(rsa.known, both.known.replace(/ .*/, ` ${world.town.publicKey('second')}`));
			execFileSync('ssh-keygen', ['-q', '-H', '-f', world.town.knownHosts], { stdio: 'ignore' });
			const run = await world.ran('echo in', { hosts: [target('rsa', rsa), target('both', both)] });
			expect(run.finish).toMatchObject({ outcome: 'success' });
			world.know();
		});

		it('is not reached without a file of known hosts, or with what is no key; one with a passphrase is read', async () => {
			const only = { hosts: [target('web1', world.web(1))] };
			const locked = await world.town.start('127.0.0.8', {
				config: [`AuthorizedKeysFile=${world.town.makeKey('locked', PASSPHRASE)}.pub`],
			});
			const keyed = { hosts: [target('locked', locked)], key_ref: `file:${world.town.dir}/locked` };
			world.know(locked.known);
			expect((await world.ran('echo in', { ...keyed, passphrase_ref: 'env:DEPLOY_PASSPHRASE' })).finish?.outcome).toBe(
				'success',
			);
			for (const over of [
				keyed,
				{ ...keyed, passphrase_ref: 'env:DEPLOY_TOKEN' },
				{ ...only, key_ref: 'env:DEPLOY_TOKEN' },
			]) {
				const run = await world.ran('echo in', over);
				expect(run.finish).toMatchObject({ started_at: null, reason: { code: 'secret_unavailable' } });
				expect(JSON.stringify(run.finish)).not.toContain(SECRET);
			}
			expect((await world.ran('echo in', { ...only, key_ref: 'env:OTHER' })).refused).toMatchObject({
				code: 'refused_by_policy',
			});
		});
	});

	describe('a jump host', () => {
		let jump: Sshd;
		beforeAll(async () => {
			jump = await world.town.start('127.0.0.9', {
				config: [`PermitOpen=127.0.0.1:${String(world.web(1).port)} 127.0.0.3:1`],
			});
		});
		const through = (over: object = {}) => ({ jump: { host: '127.0.0.9', port: jump.port, ...over } });

		it('is gone through, once for all hosts, and opens what it opens', async () => {
			world.know(jump.known);
			const run = await world.ran('echo "in $UHUB_HOST"; ls /proc/$PPID/exe >/dev/null', {
				...through(),
				hosts: [
					target('one', world.web(1)),
					target('two', world.web(1)),
					target('closed', world.web(2)),
					target('refused', { address: '127.0.0.3', port: 1 }),
				],
			});
			expect(outcomes(run)).toEqual({
				one: 'success',
				two: 'success',
				closed: 'host_unreachable',
				refused: 'connection_refused',
			});
		});

		it('45: must be known as any other', async () => {
			world.know();
			const run = await world.ran('echo in', { ...through(), hosts: [target('web1', world.web(1))] });
			expect(run.finish?.reason).toMatchObject({ code: 'host_key_unknown' });
			expect(run.finish?.reason?.message).toMatch(/^The jump host: /);
			expect((await world.ran('true', { jump: { host: '127.0.0.1' } })).refused).toMatchObject({
				code: 'refused_by_policy',
			});
		});
	});

	it('takes nothing for output that an account says before the script begins', async () => {
		const noisy = path.join(world.town.dir, 'noisy');
		writeFileSync(noisy, '#!/bin/sh\necho "Welcome! uhub-begins-0 1"\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n', {
			mode: 0o755,
		});
		const own = await world.town.start('127.0.0.12', { config: [`ForceCommand=${noisy}`] });
		world.know(own.known);
		const run = await world.ran('echo begun', { hosts: [target('h', own)] });
		expect(textOf(run)).toBe('[h] begun\n');
		expect(run.finish).toMatchObject({ outcome: 'success' });
		expect(world.leftBehind()).toEqual([]);
	});
});
