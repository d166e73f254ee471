// Runs on other hosts, over real sshds on addresses of this machine.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Stream } from '#protocol/run-frames.ts';
import { processesWith } from '#tests/support/agent-process.ts';
import { textOf } from '#tests/support/fake-hub.ts';
import { noSshd } from '#tests/support/sshd.ts';
import { endsOf, saidBy, SshWorld, target } from '#tests/support/ssh-world.ts';

const SECRET = 'tr0ub4dor&3 "quoted" secret';

let world: SshWorld;

describe.skipIf(noSshd !== null)(`on hosts reached by ssh${noSshd === null ? '' : ` (not here: ${noSshd})`}`, () => {
	beforeAll(async () => {
		world = await SshWorld.create({ DEPLOY_TOKEN: SECRET });
	});
	afterAll(() => world.remove());
	afterEach(() => {
		expect(world.hub.faults).toEqual([]);
	});

	describe('a run', () => {
		it('carries out its steps on each host in their order, and ends on each in its own way', async () => {
			const steps = [
				world.hub.scripts.step('echo "one on $UHUB_HOST of $UHUB_PROJECT"; echo "err one" >&2', { name: 'first' }),
				world.hub.scripts.step('echo "two on $UHUB_HOST"; [ "$UHUB_HOST" != web2 ] || exit 3', { name: 'second' }),
				world.hub.scripts.step('#!/usr/bin/env bash\n[[ $UHUB_HOST ]] && pwd && ls -A', {
					name: 'third',
					tool: 'custom',
				}),
			];
			const run = await world.ran('', {}, { steps });
			expect(run.finish).toMatchObject({
				outcome: 'failed',
				exit_code: null,
				reason: { code: 'hosts_failed', message: '1 of 3 hosts failed: web2 (exit code 3)' },
			});
			for (const host of ['web1', 'web2', 'web3']) {
				const [one, two, dir, ...files] = saidBy(run, host, Stream.stdout);
				expect([one, two]).toEqual([`one on ${host} of App`, `two on ${host}`]);
				expect(saidBy(run, host, Stream.stderr)).toEqual(['err one']);
				const ends = endsOf(run).filter((r) => r.host === host);
				expect(ends.map(({ n, status, exit_code }) => [n, status, exit_code])).toEqual(
					host === 'web2'
						? [
								[1, 'success', 0],
								[2, 'failed', 3],
							]
						: [1, 2, 3].map((n) => [n, 'success', 0]),
				);
				if (host === 'web2') continue;
				expect(dir).toMatch(/\/there\/uhub-/);
				expect(existsSync(dir ?? '')).toBe(false);
				expect(files).toEqual(['.uhub-step-1', '.uhub-step-2', '.uhub-step-3']);
			}
			expect(world.leftBehind()).toEqual([]);
		});

		it('is for the hosts that were chosen', async () => {
			const chosen = { parameters_schema: [{ name: 'ON', type: 'hosts' as const, required: false }], hosts: ['web3'] };
			const run = await world.ran('echo here', {}, { ...chosen, parameters: { ON: 'web3' } });
			expect(textOf(run)).toBe('[web3] here\n');
			expect(run.finish).toMatchObject({ outcome: 'success', exit_code: 0 });
			const other = await world.ran('echo no', {}, { ...chosen, parameters: { ON: 'web1' } });
			expect(other.refused?.code).toBe('bad_request');
		});

		it('ends as on its only host: by its code, by its signal', async () => {
			const only = { hosts: [target('web1', world.web(1))] };
			expect((await world.ran('exit 7', only)).finish).toMatchObject({ exit_code: 7, reason: { code: 'exit_code' } });
			expect((await world.ran('kill -KILL $$', only)).finish).toMatchObject({ reason: { code: 'signal' } });
		});

		it('ends what a script leaves running, and says so', async () => {
			const only = { hosts: [target('web1', world.web(1))] };
			const run = await world.ran('setsid sh -c "while :; do sleep 0.1; done" & echo "$UHUB_RUN_MARK"', only);
			expect(saidBy(run, 'web1')).toContain('uhub: the script ended and left processes running; they are ended now');
			expect(processesWith(`UHUB_RUN_MARK=${saidBy(run, 'web1')[0] ?? ''}`)).toEqual([]);
			expect(run.finish).toMatchObject({ outcome: 'success' });
		});

		it('40: gives names, parameters and arguments as they are, however a shell would read them', async () => {
			const canary = path.join(world.town.dir, 'canary');
			const nasty = `$(touch ${canary}); \`touch ${canary}\` "q" 'q' \\ ! * ~ & | > ${canary} \n \u00e9`;
			const host = `$(touch ${canary});'\`id\``;
			const run = await world.ran(
				'printf "%s|" "$UHUB_HOST" "$UHUB_PARAM_TEXT" "$@"; ls | wc -l',
				{ hosts: [target(host, world.web(1))] },
				{ parameters: { TEXT: nasty }, arguments: ['plain', '{{TEXT}}'], title: nasty, project: host },
			);
			expect(existsSync(canary)).toBe(false);
			const [first, second] = nasty.split('\n');
			expect(textOf(run)).toBe(
				[`${host}|${first ?? ''}`, `${second ?? ''}|plain|${first ?? ''}`, `${second ?? ''}|0`]
					.map((l) => `[${host}] ${l}\n`)
					.join(''),
			);
			expect(endsOf(run)).toMatchObject([{ host, status: 'success' }]);
		});

		it('never mixes the lines of its hosts, nor breaks one, however they come', async () => {
			const run = await world.ran(`
				letter() { head -c 200000 /dev/zero | tr '\\0' "$1"; echo; }
				for i in 1 2 3 4 5; do letter "\${UHUB_HOST#web}"; printf 'e%s' "\${UHUB_HOST#web}" >&2; echo >&2; done
				printf 'no end'
			`);
			for (const n of ['1', '2', '3']) {
				expect(saidBy(run, `web${n}`, Stream.stdout)).toEqual([...Array<string>(5).fill(n.repeat(200_000)), 'no end']);
				expect(saidBy(run, `web${n}`, Stream.stderr)).toEqual(Array<string>(5).fill(`e${n}`));
			}
			for (const line of textOf(run).trimEnd().split('\n')) expect(line).toMatch(/^\[web[123]\] /);
		});

		it('has no more hosts at work than it may', async () => {
			const at = path.join(world.town.dir, 'at-work');
			mkdirSync(at);
			const names = Array.from({ length: 8 }, (_, i) => target(`h${String(i)}`, world.web((i % 3) + 1)));
			// Each waits for another, so that two are at work at once; with three the count would say so.
			const run = await world.ran(
				`cd ${at}; touch seen-$UHUB_HOST on-$UHUB_HOST; while [ $(ls -d seen-* | wc -l) -lt 2 ]; do sleep 0.02; done; ls -d on-* | wc -l; rm on-$UHUB_HOST`,
				{ hosts: names, parallel: 2 },
			);
			const counts = names.map(({ name }) => Number(saidBy(run, name, Stream.stdout)[0]));
			expect(Math.max(...counts)).toBe(2);
			expect(run.finish).toMatchObject({ outcome: 'success' });
		});
	});

	describe('stopping', () => {
		const stubborn = `echo "$UHUB_RUN_MARK"; trap '' INT TERM; setsid sh -c "trap '' INT TERM; while :; do sleep 0.1; done" & while :; do sleep 0.1; done`;

		it('ends everything on the hosts it is on, and begins on no other', async () => {
			const run = world.offer(stubborn, { parallel: 2 }, { grace_s: 0 });
			await world.hub.until(() => textOf(run).split('\n').length > 2, 'two hosts at work');
			const marks = [...textOf(run).matchAll(/\] ([0-9a-f]{32})/g)].map(([, mark]) => mark ?? '');
			expect(marks).toHaveLength(2);
			for (const mark of marks) await expect.poll(() => processesWith(mark).length).toBeGreaterThan(1);
			world.hub.cancel(run);
			await world.hub.ended(run);
			for (const mark of marks) expect(processesWith(mark)).toEqual([]);
			expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'canceled_by_user' } });
			expect(endsOf(run).map((r) => [r.host, r.status])).toEqual(
				expect.arrayContaining([
					['web1', 'canceled'],
					['web2', 'canceled'],
					['web3', 'skipped'],
				]),
			);
			expect(world.leftBehind()).toEqual([]);
		});

		it('is polite first: a script may end by itself', async () => {
			const run = world.offer(`trap 'echo bye; exit 0' INT; echo up; ${world.gates.wait('never')}`, {
				hosts: [target('web1', world.web(1))],
			});
			await world.hub.until(() => textOf(run).includes('up'), 'the script');
			world.hub.cancel(run);
			await world.hub.ended(run);
			expect(saidBy(run, 'web1')).toEqual(['up', 'bye']);
			expect(run.finish).toMatchObject({ outcome: 'canceled' });
		});

		it('ends the waiting for a host that does not answer', async () => {
			const run = world.offer('true', { hosts: [target('away', world.away)] });
			await world.hub.until(() => run.records.length > 0, 'the attempt');
			world.hub.cancel(run);
			await world.hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'canceled' });
		});
	});

	describe('secrets', () => {
		it('46: are files in memory of the host for its account alone, in no argument list and no environment, and gone at the end', async () => {
			const run = world.offer(
				`f=$UHUB_PARAM_TOKEN_FILE; stat -c '%a %U' "$f"; stat -f -c %T "$f"; cat "$f"; echo; base64 -w0 < "$f"; echo; ${world.gates.wait('seen')}`,
				{ hosts: [target('web1', world.web(1))] },
				{
					secret_parameters: { TOKEN: 'env:DEPLOY_TOKEN' },
					parameters_schema: [{ name: 'TOKEN', type: 'secret', required: false }],
				},
			);
			await world.hub.until(() => saidBy(run, 'web1').length === 4, 'the script');
			const everything = readdirSync('/proc')
				.filter((pid) => /^\d+$/.test(pid) && Number(pid) !== world.agent.pid)
				.flatMap((pid) => {
					try {
						return [readFileSync(`/proc/${pid}/environ`, 'latin1'), readFileSync(`/proc/${pid}/cmdline`, 'latin1')];
					} catch {
						return [];
					}
				})
				.join('\n');
			expect(everything).not.toContain(SECRET);
			world.gates.open('seen');
			await world.hub.ended(run);
			expect(run.finish?.outcome).toBe('success');
			expect(saidBy(run, 'web1')).toEqual(['600 root', 'tmpfs', '***', expect.stringContaining('***')]);
			expect(world.leftBehind()).toEqual([]);
		});
	});

	it('46: as a variable or on standard input they reach the script on its host, masked, and nothing stays', async () => {
		const run = world.offer(
			'echo "${#DB_PASSWORD} $(wc -c)"; echo "$DB_PASSWORD"',
			{ hosts: [target('web1', world.web(1))] },
			{
				secret_parameters: { A: 'env:DEPLOY_TOKEN', B: 'env:DEPLOY_TOKEN' },
				parameters_schema: [
					{ name: 'A', type: 'secret', required: true, deliver: { as: 'env', variable: 'DB_PASSWORD' } },
					{ name: 'B', type: 'secret', required: true, deliver: { as: 'stdin' } },
				],
			},
		);
		await world.hub.ended(run);
		const length = String(SECRET.length);
		expect(run.finish?.reason).toBeNull();
		expect(saidBy(run, 'web1')).toEqual([`${length} ${length}`, '***']);
		expect(world.leftBehind()).toEqual([]);
	});

	describe('a connection that breaks', () => {
		it('is made again to end what was running there, and the run says so', async () => {
			const own = await world.town.start('127.0.0.10');
			world.know(own.known);
			const run = world.offer(`echo "$UHUB_RUN_MARK"; ${world.gates.wait('never')}`, { hosts: [target('h', own)] });
			await world.hub.until(() => textOf(run) !== '', 'the script');
			const mark = saidBy(run, 'h')[0] ?? '';
			for (const pid of execFileSync('pgrep', ['-P', String(own.pid)], { encoding: 'utf8' })
				.trim()
				.split('\n'))
				process.kill(Number(pid), 'SIGKILL');
			await world.hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'host_unreachable' } });
			expect(processesWith(mark)).toEqual([]);
			expect(world.leftBehind()).toEqual([]);
		});
	});

	describe('the agent killed while it runs', () => {
		it('ends at its restart what it left on each host, and the run is lost', async () => {
			const run = world.offer(`echo "$UHUB_RUN_MARK"; trap '' INT TERM HUP PIPE; while :; do sleep 0.1; done`);
			await world.hub.until(() => textOf(run).trim().split('\n').length === 3, 'the scripts');
			const marks = ['web1', 'web2', 'web3'].map((host) => saidBy(run, host)[0] ?? '');
			await world.agent.end('SIGKILL');
			for (const mark of marks) expect(processesWith(mark).length).toBeGreaterThan(0);
			await world.web(3).stop();
			await world.agent.start();
			await world.hub.ended(run);
			for (const mark of marks.slice(0, 2)) expect(processesWith(mark)).toEqual([]);
			expect(run.finish).toMatchObject({ outcome: 'lost', reason: { code: 'agent_lost' } });
			expect(run.finish?.reason?.message).toContain('something of it may still be on web3: it could not be reached');
			// Its `sleep`s end by themselves meanwhile.
			const left = () => processesWith(marks[2] ?? '').map(String);
			await expect.poll(() => (spawnSync('kill', ['-KILL', ...left()]), left())).toEqual([]);
		});
	});
});
