import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Name, Text, Time } from '#domain/common.ts';
import { EventCreate } from '#domain/event.ts';
import { JobCreate, JobPatch, JobStatus, jobTransitions } from '#domain/job.ts';
import { Parameters } from '#domain/parameter-values.ts';
import { isFinal, RunStart, RunStatus, runTransitions } from '#domain/run.ts';
import { FsPath, ScriptCreate } from '#domain/script.ts';
import { SecretRef } from '#domain/secret-ref.ts';
import { Username } from '#domain/user.ts';

const job = { title: 'Deploy', job_type: 'dev' as const };
const passes = (schema: { safeParse: (v: unknown) => { success: boolean } }, value: unknown) =>
	schema.safeParse(value).success;

describe('names and text', () => {
	it('15: refuse characters that let one name pose as another', () => {
		for (const c of ['\u202e', '\u200b', '\u2066', '\ufeff', '\u0007', '\u001b', '\r', '\n', '\u2028'])
			expect(passes(Name(), `a${c}b`), JSON.stringify(c)).toBe(false);
		for (const good of ['Santé projet', 'Ünïcode ✓ 日本', "O'Brien & <b>"]) expect(Name().parse(good)).toBe(good);
	});
	it('keep line breaks and tabs in text, and no other control', () => {
		expect(passes(Text(), 'a\n\tb')).toBe(true);
		for (const c of ['\u0000', '\u001b', '\u202e']) expect(passes(Text(), c)).toBe(false);
	});
	it('usernames differ by more than case', () => {
		expect(Username.parse(' Alice ')).toBe('alice');
		for (const bad of ['a', '-a', 'a b', 'é', 'a'.repeat(41), '']) expect(passes(Username, bad)).toBe(false);
	});
});

describe('Time', () => {
	it('is UTC with Z, and comes out in one spelling', () => {
		expect(Time.parse('2026-11-23T10:00:00Z')).toBe('2026-11-23T10:00:00.000Z');
		for (const bad of ['2026-11-23T10:00:00+01:00', '2026-11-23', 'now', '2026-02-30T00:00:00Z', 5])
			expect(passes(Time, bad), String(bad)).toBe(false);
	});
	it('orders as text as it does as time', () => {
		const date = fc.date({ min: new Date(0), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true });
		fc.assert(
			fc.property(date, date, (a, b) => {
				expect(Time.parse(a.toISOString()) < Time.parse(b.toISOString())).toBe(a < b);
			}),
		);
	});
});

describe('jobs', () => {
	it('3: refuse what only the server may set', () => {
		for (const key of ['id', 'version', 'status', 'project_id', 'created_at', '__proto__x', 'role'])
			expect(passes(JobCreate, { ...job, [key]: 1 }), key).toBe(false);
		for (const key of ['id', 'version', 'project_id']) expect(passes(JobPatch, { [key]: 1 }), key).toBe(false);
		expect(passes(JobPatch, { status: 'success' })).toBe(false);
	});
	it('end after they start', () => {
		const planned_start = '2026-11-23T10:00:00Z';
		expect(passes(JobCreate, { ...job, planned_start, planned_end: '2026-11-23T09:00:00Z' })).toBe(false);
		expect(passes(JobCreate, { ...job, planned_start, planned_end: planned_start })).toBe(false);
		expect(passes(JobCreate, { ...job, planned_end: planned_start })).toBe(false);
		expect(passes(JobCreate, { ...job, planned_start, planned_end: '2026-11-23T11:00:00Z' })).toBe(true);
		expect(passes(EventCreate, { title: 'x', start: planned_start, end: planned_start })).toBe(false);
	});
	it('take each script once', () => {
		expect(passes(JobCreate, { ...job, script_ids: [1, 1] })).toBe(false);
	});
	it('can be planned again once they are over, and a meeting or draft cannot end without running', () => {
		for (const over of ['success', 'failed', 'canceled'] as const) expect(jobTransitions[over]).toContain('planned');
		for (const s of JobStatus.options.filter((s) => s !== 'running'))
			expect(jobTransitions[s]).not.toContain('success');
	});
});

describe('runs', () => {
	it('final states never change, and the others can all end', () => {
		for (const s of RunStatus.options) expect(runTransitions[s].length === 0).toBe(isFinal(s));
	});
	it('40: take no parameter that reads as an option, nor a NUL, nor another kind of name', () => {
		for (const v of ['-rf', '--upload-pack=x', 'a\0b']) expect(passes(Parameters, { A: v })).toBe(false);
		for (const k of ['a-b', '1a', '', 'A=B', 'LD PRELOAD']) expect(passes(Parameters, { [k]: 'x' }), k).toBe(false);
		expect(passes(Parameters, { A: '$(touch /x); `id`' })).toBe(true);
		expect(passes(RunStart, { log_path: '/etc/passwd' })).toBe(false);
	});
});

describe('scripts', () => {
	it('42: a path stays under its root', () => {
		for (const bad of ['/etc/passwd', '../x', 'a/../../b', 'a\0b', '..']) expect(passes(FsPath, bad), bad).toBe(false);
		expect(passes(FsPath, 'deploy/site.sh')).toBe(true);
	});
	it('hold content only where they are uploaded, up to 1 MiB of UTF-8', () => {
		const script = { tool: 'shell', name: 'x', location_type: 'uploaded' };
		expect(passes(ScriptCreate, { ...script, content: 'é'.repeat(524_288) })).toBe(true);
		expect(passes(ScriptCreate, { ...script, content: 'é'.repeat(524_289) })).toBe(false);
		expect(passes(ScriptCreate, { ...script, content: '', location: 'x' })).toBe(false);
		expect(passes(ScriptCreate, { ...script, location_type: 'fs_path', location: 'x', content: '' })).toBe(false);
	});
	it('refer to secrets, and never hold one', () => {
		for (const good of ['env:TOKEN', 'file:/run/secrets/x', 'vault:kv2/app/db#password@3', 'vault:secret/app#key'])
			expect(passes(SecretRef, good)).toBe(true);
		for (const bad of [
			...['hunter2', 'env:', 'env:A B', 'file:a\nb'],
			...[
				'vault:kv2/app/../db#x',
				'vault:kv2/app/a%2fb#x',
				'vault:kv2/app/db#x@0',
				'vault:kv2/app/-db#x',
				'vault:kv2/app/db#x\n',
			],
		])
			expect(passes(SecretRef, bad)).toBe(false);
	});
});
