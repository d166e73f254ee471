import { describe, expect, it } from 'vitest';
import { curlOf } from '#lib/api-docs/curl.ts';
import { answersOf, ApiDocument, resourcesOf } from '#lib/api-docs/document.ts';
import { linesOf, typeOf } from '#lib/api-docs/lines.ts';
import { app } from '#worker/app.ts';
import { documentOf } from '#worker/http/openapi/document.ts';

const document = ApiDocument.parse(await documentOf(app));
const { schemas } = document.components;
const operations = resourcesOf(document, '').flatMap((resource) => resource.operations);
const one = (id: string) => {
	const found = operations.find(({ operationId }) => operationId === id);
	if (!found) throw new Error(`no operation ${id}`);
	return found;
};

describe('the page of the API', () => {
	it('has every operation of the document once, under its resource', () => {
		const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((o) => o.operationId));
		expect(operations.map(({ operationId }) => operationId).sort()).toEqual(ids.sort());
	});

	it('finds by path, name and words, all of them', () => {
		const ids = (q: string) => resourcesOf(document, q).flatMap((r) => r.operations.map((o) => o.operationId));
		expect(ids('/api/jobs/{id}/runs')).toEqual(['run.start']);
		expect(ids('RUN.START')).toContain('run.start');
		expect(ids('webhook secret')).toContain('webhook.rotate');
		expect(ids('webhook nothing-like-it')).toEqual([]);
	});

	it('tells the fields of every body and answer, with their types', () => {
		for (const operation of operations) {
			for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
				expect(typeOf(schema, schemas), operation.operationId).not.toContain('undefined');
			for (const [status, { description, content }] of answersOf(operation, document)) {
				expect(description, `${operation.operationId} ${status}`).not.toBe('');
				for (const { schema } of Object.values(content)) {
					const lines = linesOf(schema, schemas);
					expect(lines.length, operation.operationId).toBeLessThan(400);
					for (const line of lines) expect(line.type, `${operation.operationId} ${line.name}`).toMatch(/\S/);
				}
			}
		}
		const lines = linesOf({ $ref: '#/components/schemas/JobCreate' }, schemas);
		expect(lines).toContainEqual({
			depth: 0,
			name: 'title',
			type: 'string',
			required: true,
			note: '1 to 160 characters',
		});
		expect(lines.find(({ name }) => name === 'planned_start')).toMatchObject({ type: 'time or null', required: false });
		expect(lines.find(({ name }) => name === 'priority')).toMatchObject({
			type: '"low" | "normal" | "high" | "critical"',
			note: 'default "normal"',
		});
	});

	it('ends where a thing holds itself', () => {
		const tree = { Tree: { type: 'object', properties: { of: { type: 'array', items: { $ref: '#/x/Tree' } } } } };
		expect(linesOf({ $ref: '#/x/Tree' }, tree)).toMatchObject([{ name: 'of', type: 'list of Tree' }]);
	});

	it('shows a request that a shell takes as it is meant', () => {
		expect(curlOf(one('run.start'))).toBe(
			[
				'curl -X POST "$UHUB/api/jobs/7/runs"',
				'-H "Authorization: Bearer $TOKEN"',
				"-H 'Content-Type: application/json'",
				`-d '{"parameters":{"WHO":"world"},"reason":"first try"}'`,
			].join(' \\\n  '),
		);
		expect(curlOf(one('job.update'))).toContain(`-H 'If-Match: "v1"'`);
		expect(curlOf(one('hub.health'))).toBe('curl "$UHUB/api/health"');
		expect(curlOf(one('token.create'))).toContain('-b cookies');
		const body = { required: true, content: { 'application/json': { schema: {}, example: { title: "it's $(id)" } } } };
		expect(curlOf({ ...one('job.create'), requestBody: body })).toContain(`'{"title":"it'\\''s $(id)"}'`);
	});
});
