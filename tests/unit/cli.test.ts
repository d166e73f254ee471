import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flag, many, one, parse, text, whole } from '#cli/args.ts';
import { asker } from '#cli/ask.ts';
import type { Shell } from '#cli/command.ts';
import { commands } from '#cli/commands/index.ts';
import { complete } from '#cli/complete.ts';
import { Failure, told } from '#cli/failure.ts';
import { named } from '#cli/find.ts';
import { jsonText, type Out, Output, PLAIN } from '#cli/output.ts';
import { listed, pairs } from '#cli/pages.ts';
import { program } from '#cli/program.ts';
import { SgrOnly } from '#cli/sgr-only.ts';
import { type Column, details, table } from '#cli/table.ts';
import { span } from '#cli/words.ts';
import { ApiError, Problem } from '#client/api-error.ts';
import { clientOf } from '#client/client.ts';
import { JobType } from '#domain/job.ts';

/* eslint-disable no-control-regex -- what may not reach a terminal */

/** Runs a command in this process, signed in at a hub that nobody may ask. */
async function uhub(argv: string[], { terminal = false, env = {}, stdin = '' } = {}) {
	const said = { stdout: '', stderr: '' };
	const stream = (name: keyof typeof said): Out =>
		Object.assign(
			new PassThrough().on('data', (part: Buffer) => (said[name] += part.toString())),
			{ isTTY: terminal, columns: 80 },
		);
	const stderr = stream('stderr');
	const input = Readable.from([stdin]);
	const shell: Shell = {
		env,
		stdin: input,
		stdout: stream('stdout'),
		stderr,
		ask: asker(input, stderr),
		hub: () =>
			Promise.resolve({
				origin: 'http://hub.test',
				token: 'uhub_x',
				account: null,
				api: clientOf({ fetch: () => Promise.reject(new Error('the hub was asked')) }),
			}),
		onInterrupt: () => () => undefined,
	};
	return { code: await program(argv, shell), ...said };
}

describe('what is typed', () => {
	const options = {
		follow: flag('', 'f'),
		type: one('T', JobType, ''),
		param: many('P', z.string(), ''),
		limit: whole('N', 1, 200, ''),
		name: text('N', ''),
	};
	const read = (...args: string[]) => parse(['JOB', '[WHERE]'], options, args);

	it('becomes what a command says it takes', () => {
		expect(read('7', '-f', '--param', 'a=1', '--limit=20', '--param', 'b', '--json', '--type', 'ops')).toEqual({
			of: { JOB: '7', WHERE: undefined },
			values: { follow: true, type: 'ops', param: ['a=1', 'b'], limit: 20, name: undefined },
			json: true,
		});
		expect(read('--', '-x', 'there')).toMatchObject({ of: { JOB: '-x', WHERE: 'there' }, json: false });
	});

	it('or the option that is wrong is named', () => {
		const wrong: [string[], RegExp][] = [
			[[], /JOB is missing/],
			[['1', '2', '3'], /too many: 3/],
			[['1', '--nope'], /'--nope'/],
			[['1', '--limit', '201'], /--limit: must be at most 200/],
			[['1', '--limit', '0x10'], /--limit: expected a whole number/],
			[['1', '--limit'], /--limit/],
			[['1', '--name', ''], /--name: must not be empty/],
			[['1', '--type', 'odd'], /--type: .*"ops"/],
			[['1', '--follow=yes'], /--follow/],
		];
		for (const [args, words] of wrong) expect(() => read(...args), args.join(' ')).toThrow(words);
		fc.assert(
			fc.property(fc.array(fc.string()), (args) => {
				try {
					read(...args);
				} catch (error) {
					expect(error).toBeInstanceOf(Failure);
				}
			}),
		);
	});

	it('NAME=VALUE: each name once, and a value may hold anything', () => {
		expect(pairs('--param', ['A=1', 'B=x=y', 'C='])).toEqual({ A: '1', B: 'x=y', C: '' });
		expect(pairs('--param', ['__proto__=x'])).toEqual(Object.fromEntries([['__proto__', 'x']]));
		for (const bad of [['x'], ['=x'], ['A=1', 'A=2']]) expect(() => pairs('--param', bad)).toThrow(/--param/);
	});

	it.each([
		[[''], /no command/],
		[['frobnicate'], /no command "frobnicate"/],
		[['runs', 'frobnicate'], /runs takes list, show/],
		[['run'], /JOB is missing/],
		[['run', '1', '--param', 'x'], /--param.*NAME=VALUE/],
		[['run', '1', '--raw'], /--follow/],
		[['run', '1', '--cancel-on-interrupt'], /--follow or --wait/],
		[['runs', 'list', '--limit', '0'], /--limit: must be at least 1/],
		[['runs', 'list', '--status', 'odd'], /--status/],
		[['runs', 'show', 'x'], /RUN: expected an id/],
		[['runs', 'log', '1', '--json'], /no JSON/],
		[['follow', '1', '--raw', '--json'], /--raw/],
		[['jobs', 'create', '--project', 'App', '--title', 'x'], /--type is missing/],
		[['jobs', 'create', '--title', 'x', '--type', 'ops', '--start', 'soon'], /--start/],
		[['jobs', 'create', '--title', 'x', '--type', 'ops', '--recurrence', 'FREQ=SECONDLY'], /--recurrence: FREQ/],
		[
			['jobs', 'create', '--title', 'x', '--type', 'ops', '--time-zone', 'Mars/Olympus'],
			/--time-zone: expected a time/,
		],
		[['jobs', 'edit', '1', '--except', 'monday'], /--except/],
		[['jobs', 'edit', '1', '--once', '--recurrence', 'FREQ=DAILY'], /--once or --recurrence/],
		[['incidents', 'open', 'x'], /--project is missing/],
		[['incidents', 'reopen', '1'], /--reason is missing/],
		[['tokens', 'create', '--name', 'x', '--scope', 'root'], /--scope/],
		[['tokens', 'create', '--name', 'x'], /--scope is missing/],
		[['completion', 'tcsh'], /bash, zsh, fish/],
		[['login', 'hub.example'], /not a hub's address/],
		[['login', 'http://hub.example'], /not encrypted/],
		[['login'], /HUB is missing/],
		[['login', 'https://hub.example', '--token', 'uhub_secret'], /--token: only "-"/],
	] as [string[], RegExp][])('uhub %j: one sentence, exit code 2, and no hub is asked', async (args, words) => {
		const done = await uhub(args);
		expect(done).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(words) as string });
		expect(done.stderr).toMatch(/^uhub: [^\n]+\n$/);
		expect(done.stderr).not.toContain('uhub_secret');
	});

	it('14: a log is not let onto a terminal as it is', async () => {
		for (const args of [
			['follow', '1', '--raw'],
			['runs', 'log', '1', '--raw'],
		])
			expect(await uhub(args, { terminal: true })).toMatchObject({
				code: 2,
				stderr: expect.stringMatching(/--raw/) as string,
			});
	});

	it('help tells of every command and every option', async () => {
		const { stdout } = await uhub(['--help']);
		for (const { name, options } of commands) {
			expect(stdout).toContain(`uhub ${name}`);
			const help = (await uhub([...name.split(' '), '--help'])).stdout;
			for (const option of Object.keys(options)) expect(help).toContain(`--${option}`);
		}
		expect((await uhub([])).stdout).toBe(stdout);
		expect((await uhub(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
	});
});

describe('completion', () => {
	const next = (...words: string[]) => complete(words, commands);

	it('offers commands, their options, and the words an option can have', () => {
		expect(next('inc')).toEqual(['incidents']);
		expect(next('tokens', '')).toEqual(['create', 'list', 'revoke']);
		expect(next('runs', 'list', '--s')).toEqual(['--search', '--status']);
		expect(next('runs', 'list', '--status', '')).toContain('failed');
		expect(next('runs', 'list', '--status', 'failed', '--li')).toEqual(['--limit']);
		expect(next('run', '7', '--fol')).toEqual(['--follow']);
		for (const nothing of [
			['x', ''],
			['runs', 'x', ''],
			['runs', 'show', ''],
			['jobs', 'create', '--shell', ''],
		])
			expect(next(...nothing), nothing.join(' ')).toEqual([]);
	});

	it('offers words that mean nothing to a shell, whatever is typed', () => {
		fc.assert(
			fc.property(fc.array(fc.string()), (words) => {
				for (const word of next(...words)) expect(word).toMatch(/^[a-z-]+$/);
			}),
		);
	});
});

describe('tables', () => {
	interface Row {
		id: number;
		name: string;
	}
	const columns: Column<Row>[] = [
		{ head: 'ID', cell: ({ id }) => id, right: true },
		{ head: 'NAME', cell: ({ name }) => name, fit: true, tone: () => 'good' },
		{ head: 'END', cell: () => null },
	];
	const rows = (...names: string[]): Row[] => names.map((name, at) => ({ id: 10 ** at, name }));

	it('stand in aligned columns, whatever width their characters have', () => {
		expect(table(columns, rows('a', '日本', 'été'), PLAIN).split('\n')).toEqual([
			' ID  NAME  END',
			'  1  a',
			' 10  日本',
			'100  été',
		]);
		expect(table(columns, [], PLAIN)).toBe('None.');
	});

	it('12, 14, 15: nothing in them acts on the terminal or breaks a line', () => {
		const shown = table(columns, rows('a\u001b]0;x\u0007b\r\nc\u202ed\u009b2J', '\u001b[31mred'), PLAIN);
		expect(shown.split('\n')).toHaveLength(3);
		expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
		fc.assert(
			fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (names) => {
				const lines = table(columns, rows(...names.slice(0, 9)), PLAIN).split('\n');
				expect(lines).toHaveLength(Math.min(9, names.length) + 1);
			}),
		);
	});

	it('are cut to the terminal where a column may be, and only there', () => {
		const long = rows('x'.repeat(100), '字'.repeat(50));
		const shown = table(columns, long, { ...PLAIN, width: 40 });
		for (const line of shown.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(40);
		expect(shown).toContain('…');
		expect(table(columns, long, PLAIN)).toContain('x'.repeat(100));
	});

	it('are in colour on a terminal alone, unless somebody wants none', () => {
		const shown = (isTTY: boolean, env = {}) => {
			const stdout = Object.assign(new PassThrough(), { isTTY, columns: 80 });
			new Output({ env, stdout, stderr: stdout }, false).show(null, (style) => table(columns, rows('a'), style));
			return String(stdout.read());
		};
		expect(shown(true)).toContain('\u001b[32ma   \u001b[39m');
		for (const plain of [shown(false), shown(true, { NO_COLOR: '1' }), shown(true, { TERM: 'dumb' })])
			expect(plain).toBe('ID  NAME  END\n 1  a\n');
	});

	it('facts about one thing: what there is none of is left out, and long ones keep their place', () => {
		expect(
			details(
				[
					['id', 7],
					['nothing', null],
					['about', 'one\ntwo\u0007'],
				],
				PLAIN,
			),
		).toBe('id     7\nabout  one\n       two␇');
	});

	it('times are told as people do', () => {
		expect([0, 3210, 125_000, 3_780_000, null].map(span)).toEqual(['0.0 s', '3.2 s', '2 min 5 s', '1 h 3 min', null]);
	});
});

describe('JSON', () => {
	it('14, 15: means the same and holds nothing that acts on a terminal', () => {
		const hostile = { name: 'a\u009b2J\u202eb\u200b\u2028\u007f\u001b[2J' };
		const written = jsonText(hostile);
		expect(JSON.parse(written)).toEqual(hostile);
		expect(written).toMatch(/^[\u0020-\u007e]+$/);
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
			}),
		);
	});
});

describe('14: a log on its way to a terminal', () => {
	const bytes = (text: string) => new TextEncoder().encode(text);
	const through = (parts: Uint8Array[], colour = true) => {
		const filter = new SgrOnly(colour);
		return parts.map((part) => filter.push(part)).join('') + filter.end();
	};
	const passed = (text: string, colour = true) => through([bytes(text)], colour);

	it('keeps text, lines, progress and colours', () => {
		expect(passed('a\tb\n10%\r20%\r\n\u001b[1;31mred\u001b[m\n')).toBe('a\tb\n10%\r20%\r\n\u001b[1;31mred\u001b[m\n');
		expect(passed('\u001b[31mred', false)).toBe('red');
	});

	it('ends a style that the log left on', () => {
		expect(passed('\u001b[31mred')).toBe('\u001b[31mred\u001b[0m');
		expect(passed('\u001b[31mred\u001b[0m')).toBe('\u001b[31mred\u001b[0m');
	});

	it('keeps nothing else that acts', () => {
		expect(passed('a\u001b]0;t\u0007b\u001b[2Jc\u001b[?25ld\u001b[>4me\u001bPq\u001b\\f\u001bcg\u0008\u009b2J')).toBe(
			'abcdefg\u2408\u2039U+009B\u203a2J',
		);
		// What never ends hides nothing of the lines after it.
		expect(passed('a\u001b]0;never\nnext\n\u0007')).toBe('a0;never\nnext\n\u2407');
		expect(passed(`\u001b[${'1'.repeat(9000)}`)).toBe('1'.repeat(9000));
	});

	it('is the same however it was cut', () => {
		const piece = fc.constantFrom(
			'\u001b',
			'[',
			']',
			'31',
			'm',
			';',
			'\u0007',
			'\\',
			'é',
			'\n',
			'\r',
			' ',
			'P',
			'\u009b',
			'x',
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(80), { maxLength: 8 }), (pieces, cuts) => {
				const whole = bytes(pieces.join(''));
				const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
				const parts = at.slice(1).map((end, n) => whole.subarray(at[n], end));
				const out = through(parts);
				expect(out).toBe(through([whole]));
				expect(out.replace(/\u001b\[[\d;:]*m/g, '')).not.toMatch(
					/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/,
				);
			}),
		);
	});
});

describe('lists', () => {
	const ask =
		(total: number, asked: number[] = []) =>
		({ limit, cursor }: { limit: number; cursor: string | undefined }) => {
			asked.push(limit);
			const from = Number(cursor ?? 0);
			const items = Array.from({ length: Math.min(limit, total - from) }, (_, n) => ({ id: from + n + 1, name: 'x' }));
			const next = from + items.length;
			return Promise.resolve({ items, next_cursor: next < total ? String(next) : null });
		};
	const wanted = { limit: undefined, all: false, cursor: undefined, search: undefined };

	it('take as many pages as are asked for, and no more', async () => {
		const asked: number[] = [];
		expect((await listed(wanted, ask(500, asked))).items).toHaveLength(50);
		expect(await listed({ ...wanted, limit: 250 }, ask(500, asked))).toMatchObject({ next_cursor: '250' });
		expect((await listed({ ...wanted, all: true, cursor: '100' }, ask(450, asked))).items).toHaveLength(350);
		expect(asked).toEqual([50, 200, 50, 200, 200]);
	});

	it('find what has a name, if it is one thing', async () => {
		const found = (name: string, ...names: string[]) => {
			const items = names.map((one, at) => ({ id: at + 1, name: one }));
			return named(
				'job',
				name,
				(row: { id: number; name: string }) => row.name,
				({ q }) => {
					expect(q?.length).toBeLessThanOrEqual(48);
					return Promise.resolve({ items, next_cursor: null });
				},
			);
		};
		expect((await found('deploy', 'redeploy', 'Deploy', 'deploy')).id).toBe(3);
		expect((await found('DEPLOY', 'redeploy', 'Deploy')).id).toBe(2);
		expect((await found('é'.repeat(80), 'é'.repeat(80))).id).toBe(1);
		await expect(found('a', 'a', 'a')).rejects.toThrow('1 or 2');
		await expect(found('a', 'ab')).rejects.toThrow('no job "a"');
		await expect(found(' ')).rejects.toThrow('name or an id');
	});
});

describe('refusals', () => {
	const problem = (fields: object) => told(new ApiError(Problem.parse({ status: 400, ...fields })));

	it('are one sentence that names the field and the request', () => {
		const errors = [{ path: 'title', message: 'must not be empty' }];
		expect(problem({ detail: 'The request is not valid.', errors, request_id: 'r1' })).toMatchObject({
			message: 'The request is not valid. title: must not be empty (request r1)',
			exit: 1,
		});
		expect(problem({ status: 401, detail: 'Sign in first.' })).toMatchObject({ exit: 3 });
		expect(problem({ status: 502 }).message).toBe('The hub answered 502.');
		const cause = new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
		const away = new ApiError(Problem.parse({ status: 0 }), { cause });
		expect(told(away).message).toBe('The hub does not answer: ECONNREFUSED.');
		expect(() => told(new TypeError('ours'))).toThrow('ours');
	});

	it('14: of a hostile hub do not act on the terminal', async () => {
		const done = await uhub(['frob\u001b]0;x\u0007\u202enicate']);
		expect(done.stderr).toBe('uhub: There is no command "frob‹U+202E›nicate". See uhub --help.\n');
	});
});
