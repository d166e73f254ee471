import { Validator as SchemaValidator } from '@cfworker/json-schema';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { app } from '#worker/app.ts';
import { bodies } from '#worker/http/openapi/bodies.ts';
import { documentOf } from '#worker/http/openapi/document.ts';
import type { Content } from '#worker/http/openapi/schema.ts';

const document = await documentOf(app);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, operation]) => ({ at: `${method.toUpperCase()} ${path}`, path, operation })),
);

const wrong = (schema: object, value: unknown) =>
	new SchemaValidator({ ...schema, components: document.components }, '2020-12', false).validate(value).errors;

describe('the OpenAPI document', () => {
	it('is valid by the schema of OpenAPI 3.1, and every reference in it leads somewhere', async () => {
		expect(await new Validator().validate({ ...structuredClone(document) })).toMatchObject({ valid: true });
		const refs = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
		for (const ref of new Set(refs)) {
			const [, room = '', name = ''] = /#\/components\/(\w+)\/(\w+)/.exec(ref) ?? [];
			expect(Reflect.get(document.components, room), ref).toHaveProperty(name);
		}
	});

	it('has an operation for every route', () => {
		const routes = app.routes
			.filter(({ method, path }) => method !== 'ALL' && /^\/(api\/|metrics$)/.test(path))
			.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
		expect(new Set(operations.map(({ at }) => at))).toEqual(new Set(routes));
		expect(operations.length).toBeGreaterThan(150);
	});

	it('tells of each what it is, who may, what it takes and what it answers', () => {
		const ids = operations.map(({ operation }) => operation.operationId);
		expect(new Set(ids).size).toBe(ids.length);
		const known = document.tags.map(({ name }) => name);
		for (const { at, path, operation } of operations) {
			expect(operation.summary, at).toMatch(/^\S.{3,}/);
			expect(known, at).toEqual(expect.arrayContaining(operation.tags));
			expect(operation.responses.default, at).toBeDefined();
			const said = Object.keys(operation.responses);
			expect(
				said.some((status) => /^[23]/.test(status)),
				at,
			).toBe(true);
			// Who needs no session may still prove themselves badly.
			if (operation.security?.length !== 0) expect(said, at).toContain('401');
			const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
			expect(inPath.sort(), at).toEqual((path.match(/\{\w+\}/g) ?? []).sort());
		}
		expect([...new Set(operations.flatMap(({ operation }) => operation.tags))].sort()).toEqual([...known].sort());
	});

	it('says of each who may, and what that depends on', () => {
		const said = Object.fromEntries(operations.map(({ operation }) => [operation.operationId, operation.description]));
		for (const [id, text] of Object.entries(said)) expect(text, id).toMatch(/^(For |Nobody need be signed in)/);
		expect(said['job.create']).toMatch(/dev’s jobs are of type dev or meeting/);
		expect(said['run.start']).toMatch(/requires_approval.*four_eyes.*allowed_roles/);
		expect(said['run.retry']).toMatch(/^For admin; projets with operate; dev with contribute.*retry_of/);
		expect(said['freeze.create']).toMatch(/every project .* is for admin/);
		for (const id of ['run.search_log', 'event.calendar', 'incident_entry.list', 'incident_link.list'])
			expect(said[id], id).toMatch(/^For admin; projets with read.*\. [A-Z].{30,}scope read/);
	});

	it('declares the conflicts and the versions that there are', () => {
		const of = (id: string) => operations.find(({ operation }) => operation.operationId === id)?.operation;
		const may = (id: string) => Object.keys(of(id)?.responses ?? {});
		expect(may('job.template')).toContain('409');
		for (const id of ['hub.health', 'hub.setup_state', 'hub.openapi', 'hub.sign_in_methods', 'feed.calendar'])
			expect(may(id), id).not.toContain('409');
		for (const id of ['hub_secret.delete', 'job.unsign', 'me.feed_revoke', 'group_user.delete'])
			expect(may(id), id).not.toContain('428');
		for (const { at, operation } of operations) expect(Object.keys(operation.responses), at).toContain('400');
	});

	it('has an example for every JSON body and answer, valid by its schema', () => {
		const held: string[] = [];
		const hold = (at: string, content: Content = {}) => {
			const json = content['application/json'];
			if (!json) return;
			expect(json.example, at).toBeDefined();
			expect(wrong(json.schema, json.example), `${at}: ${JSON.stringify(json.example)}`).toEqual([]);
			held.push(at);
		};
		for (const { at, operation } of operations) {
			hold(`${at} body`, operation.requestBody?.content);
			for (const [status, { content }] of Object.entries(operation.responses)) hold(`${at} ${status}`, content);
		}
		expect(held.length).toBeGreaterThan(200);
		// And the validator does find what is wrong.
		expect(wrong({ $ref: '#/components/schemas/JobCreate' }, { title: 1 })).not.toEqual([]);
		const ids = operations.map(({ operation }) => operation.operationId);
		expect(Object.keys(bodies).filter((id) => !ids.includes(id))).toEqual([]);
	});
});
