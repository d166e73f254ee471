import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOf, isTold, tellsOf } from '#lib/live/asked.ts';
import type { Entity } from '#protocol/browser.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const at = (address: string) => new URL(`http://hub/api${address}`);
const told = (address: string, entity: Entity, id: number, row: Record<string, unknown> | null = {}, project = 1) =>
	tellsOf(at(address), { entity, id, row }, project);

/** What no project's room tells of: the hub's own, by its room or the page's own hand. */
const elsewhere =
	/^\/(health|hub\/status|setup|export|imports\/|auth\/|me\/|tokens|users|groups|audit|server-status|openapi|docs|calendar\.ics|incidents\.atom|projects$|projects\/:\/groups)/;

describe('what a page shows is loaded anew when it changes, because of what the page asked for', () => {
	const gets = [...read('client/routes.ts').matchAll(/'GET (\S+)'/g)].map(([, route = '']) => route);

	it('every answer of the API is told of, or named here as the hub’s own', () => {
		expect(gets.length).toBeGreaterThan(60);
		const silent = gets.filter((route) => !isTold(at(route.replaceAll('/:', '/7'))) && !elsewhere.test(route));
		expect(silent).toEqual([]);
	});

	it('every load asks with the fetch that notes what was asked', () => {
		const files = globSync('app/routes/**/+{page,layout}.ts', { cwd: ROOT });
		const calls = files.flatMap((file) =>
			[...read(file).matchAll(/\bapi\s*\.(?:get|text)\(/g)].map(({ index, 0: { length } }) => {
				const text = read(file);
				let depth = 1;
				let end = index + length;
				while (depth > 0) depth += { '(': 1, ')': -1 }[text[end++] ?? ')'] ?? 0;
				return { file, call: text.slice(index, end) };
			}),
		);
		expect(calls.length).toBeGreaterThan(50);
		expect(calls.filter(({ call }) => !/[{\s]fetch\b/.test(call))).toEqual([]);
	});

	it.each<[string, Entity, number, Record<string, unknown> | null, boolean]>([
		['/projects/1/environments?limit=200', 'environment', 5, {}, true],
		['/projects/2/environments', 'environment', 5, {}, false],
		['/projects/1/environments', 'job', 5, {}, false],
		['/projects/1', 'project', 1, {}, true],
		['/projects/2', 'project', 1, {}, false],
		['/projects?limit=200', 'project', 1, {}, false],
		['/scripts/4', 'script', 4, {}, true],
		['/scripts/4/content', 'script', 4, {}, true],
		['/scripts/5/content', 'script', 4, {}, false],
		['/scripts/4/jobs', 'job', 9, {}, true],
		['/terraform-plans/3/diff', 'terraform_plan', 3, {}, true],
		['/calendar?project_id=1&start=x', 'job', 9, {}, true],
		['/calendar?project_id=2', 'event', 9, {}, false],
		['/runs?job_id=7', 'run', 3, { job_id: 7, retry_of: null }, true],
		['/runs?job_id=7', 'run', 3, { job_id: 8 }, false],
		['/runs?retry_of=2', 'run', 3, { retry_of: null }, false],
		['/runs?retry_of=2', 'run', 3, { retry_of: 2 }, true],
		['/runs?agent_id=2', 'run', 3, { agent_id: null }, true],
		['/incidents/6/entries', 'incident_entry', 1, { incident_id: 6 }, true],
		['/incidents/6/entries', 'incident_entry', 1, { incident_id: 7 }, false],
		['/incidents/6/entries', 'incident_entry', 1, null, true],
		['/incidents?job_id=7', 'incident_link', 1, { incident_id: 6, job_id: null }, true],
		['/incidents/6', 'postmortem', 1, { incident_id: 6 }, true],
		['/incidents/6', 'postmortem', 1, { incident_id: 7 }, false],
		['/incidents?active=true', 'postmortem', 1, { incident_id: 6 }, false],
		['/freezes?project_id=none', 'freeze', 2, {}, true],
		['/webhooks/3/deliveries', 'webhook', 3, {}, true],
		['/users', 'job', 1, {}, false],
	])('%s and %s %i %j: %s', (address, entity, id, row, answer) => {
		expect(told(address, entity, id, row)).toBe(answer);
	});

	it('knows the row that a page is about', () => {
		expect(isOf(at('/jobs/7'), { entity: 'job', id: 7 })).toBe(true);
		expect(isOf(at('/jobs/7/changes'), { entity: 'job', id: 7 })).toBe(false);
		expect(isOf(at('/projects/1/jobs'), { entity: 'job', id: 1 })).toBe(false);
	});

	it('leaves alone what is no address of the API', () => {
		expect(isTold(new URL('http://elsewhere/jobs/7'))).toBe(false);
	});
});
