import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { clientOf } from '#client/client.ts';
import { pageOf } from '#domain/common.ts';
import { JobItem, JobView } from '#domain/job.ts';
import { Run } from '#domain/run.ts';
import { ApiToken } from '#domain/token.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

let server: http.Server | undefined;
afterEach(() => {
	server?.closeAllConnections();
	server?.close();
});

/** A far end that answers as it is told. */
async function hub(handler: Handler): Promise<string> {
	const made = http.createServer((request, response) => {
		let body = '';
		request.on('data', (part: Buffer) => (body += part.toString()));
		request.on('end', () => {
			handler(request, response, body);
		});
	});
	server = made;
	made.listen(0, '127.0.0.1');
	await once(made, 'listening');
	return `http://127.0.0.1:${String((made.address() as AddressInfo).port)}`;
}

const refused = async (call: Promise<unknown>): Promise<ApiError> => {
	const error = await call.then(
		() => null,
		(error: unknown) => error,
	);
	if (!(error instanceof ApiError)) throw new Error(`expected a refusal, not ${String(error)}`);
	return error;
};

describe('the typed client', () => {
	it('asks at the hub it was made for, with its headers, and leaves empty parameters out', async () => {
		let asked: http.IncomingMessage | undefined;
		const url = await hub((request, response) => {
			asked = request;
			response.setHeader('content-type', 'application/json').end('{"items":[],"next_cursor":null,"more":1}');
		});
		const api = clientOf({ hub: url, headers: { authorization: 'Bearer uhub_x' } });
		const query = { q: 'a b&c', status: '', limit: 5, cursor: null };
		expect(await api.get('/jobs', pageOf(JobItem), { query })).toEqual({ items: [], next_cursor: null });
		expect(asked).toMatchObject({ method: 'GET', url: '/api/jobs?q=a+b%26c&limit=5' });
		expect(asked?.headers).toMatchObject({ authorization: 'Bearer uhub_x', accept: 'application/json' });
		expect(asked?.headers).not.toHaveProperty('idempotency-key');
	});

	it('asks once more where the answer was lost, with the same key; but never for an edit', async () => {
		const keys: unknown[] = [];
		const url = await hub((request, response) => {
			keys.push(request.headers['idempotency-key']);
			if (keys.length === 1 || request.method === 'DELETE') request.socket.destroy();
			else response.statusCode = 204;
			response.end();
		});
		const api = clientOf({ hub: url });
		await api.post('/auth/logout', {}, z.null());
		expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]]);
		expect(await refused(api.remove('/jobs/7', 3))).toMatchObject({ status: 0, problem: { code: 'no_answer' } });
		expect(keys).toHaveLength(3);
	});

	it('names the version that was read, and tells a refusal with its fields', async () => {
		const url = await hub((request, response, body) => {
			expect([request.headers['if-match'], JSON.parse(body)]).toEqual(['"v3"', { title: '' }]);
			response.writeHead(400, { 'content-type': 'application/problem+json' });
			const errors = [{ path: 'title', message: 'must not be empty' }];
			response.end(JSON.stringify({ title: 'Not valid', status: 400, code: 'invalid', errors, request_id: 'r1' }));
		});
		const error = await refused(clientOf({ hub: url }).patch('/jobs/7', 3, { title: '' }, JobView));
		expect(error).toMatchObject({ status: 400, message: 'Not valid', fields: { title: 'must not be empty' } });
		expect(error.problem.request_id).toBe('r1');
	});

	it('tells also of what no hub would answer', async () => {
		const url = await hub((_, response) => {
			response.writeHead(502, 'Bad Gateway', { 'x-request-id': 'p1' }).end('<html>');
		});
		const { problem } = await refused(clientOf({ hub: url }).get('/jobs/7', JobView));
		expect(problem).toMatchObject({ status: 502, title: 'Bad Gateway', code: 'unknown', request_id: 'p1' });
	});

	it('takes no answer that is not of the schema', async () => {
		const url = await hub((_, response) => {
			response.end('{"id":"7"}');
		});
		await expect(clientOf({ hub: url }).get('/jobs/7', JobView)).rejects.toThrow(z.ZodError);
	});

	it('is refused by the compiler what the API does not have', () => {
		const api = clientOf();
		const id = 7;
		// Never called: that these lines are wrong, and that the others are not, is what the type-check says.
		const calls = [
			() => api.get(`/jobs/${String(id)}`, JobView),
			() => api.get(`/jobs/${String(id)}`, z.object({ title: z.string() })),
			// @ts-expect-error -- no such path
			() => api.get(`/job/${String(id)}`, JobView),
			// @ts-expect-error -- a path that is not known
			() => api.get(String(id), JobView),
			// @ts-expect-error -- not with this method
			() => api.put(`/jobs/${String(id)}`, {}, JobView),
			// @ts-expect-error -- another answer
			() => api.get(`/jobs/${String(id)}`, Run),
			// @ts-expect-error -- no such parameter
			() => api.get('/jobs', pageOf(JobItem), { query: { agent: 3 } }),
			() => api.post(`/jobs/${String(id)}/runs`, { reason: 'because' }, Run),
			// @ts-expect-error -- no such field
			() => api.post(`/jobs/${String(id)}/runs`, { because: 'so' }, Run),
			// @ts-expect-error -- a field of another type
			() => api.post('/tokens', { name: 'x', scopes: ['all'] }, ApiToken),
			// @ts-expect-error -- a field that is missing
			() => api.post('/tokens', { name: 'x' }, ApiToken),
		];
		expect(calls).toHaveLength(11);
	});
});
