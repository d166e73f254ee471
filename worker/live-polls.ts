import { BATCH_MAX, SESSION_HEADER } from '#protocol/batch.ts';
import { DomainError, invalid, notFound } from '#domain/errors.ts';
import type { Refused } from '#durable/core/transport/poll.ts';
import { readBody } from './http/input.ts';
import { HttpError } from './http/problem.ts';
import { agentIn } from './live-sockets.ts';
import type { Ctx } from './services/context.ts';

// The agent's connection by plain requests, for where WebSockets do not get through. Which frames they carry, and who may say
// what, is the link's to decide, as with a socket; here is only what HTTP knows.

/** `POST /live/agent/poll?agent={id}`: without a session it begins one; with one it waits for what the hub has to say. */
export async function pollAgent(ctx: Ctx, env: Env, request: Request): Promise<Response> {
	const session = sessionOf(request);
	const id = session === null ? await agentIn(ctx, request) : idOf(request);
	const link = env.AGENT_LINK.getByName(String(id));
	const body = await bytesOf(request);
	if (session !== null) {
		const { batch } = ok(await link.poll(session, body));
		return new Response(batch, { headers: { 'content-type': 'application/octet-stream' } });
	}
	if (body.length > 0) throw invalid('', 'nothing is sent before there is a session');
	return Response.json(ok(await link.openPolled(request.headers.get('host') ?? '')), { status: 201 });
}

/** `POST /live/agent/send?agent={id}`: what the agent says. */
export async function sendFromAgent(env: Env, request: Request): Promise<Response> {
	const session = sessionOf(request);
	if (session === null) throw invalid(SESSION_HEADER, 'this header names the connection');
	const link = env.AGENT_LINK.getByName(String(idOf(request)));
	const refused = await link.take(session, await bytesOf(request));
	if (refused) ok(refused);
	return new Response(null, { status: 204 });
}

/** A session that is not of this form is none of the hub's. */
function sessionOf(request: Request): string | null {
	const session = request.headers.get(SESSION_HEADER);
	if (session !== null && !/^[A-Za-z0-9_-]{43}$/.test(session)) throw notFound('connection');
	return session;
}

/** Only an agent there is has sessions, so that one which names another agent is unknown. */
function idOf(request: Request): number {
	const asked = new URL(request.url).searchParams.get('agent') ?? '';
	if (!/^[1-9]\d{0,9}$/.test(asked)) throw notFound('agent');
	return Number(asked);
}

async function bytesOf(request: Request): Promise<Uint8Array> {
	// A page of another origin cannot send this type without being asked first.
	if (request.headers.get('content-type') !== 'application/octet-stream')
		throw new HttpError(415, 'unsupported_media_type', 'Send bytes, as content type application/octet-stream.');
	return readBody(request, BATCH_MAX);
}

function ok<T extends object>(answer: T): Exclude<T, Refused> {
	if (!isRefused(answer)) return answer as Exclude<T, Refused>;
	if (answer.refused === 'invalid') throw invalid('', answer.message);
	throw new DomainError(answer.refused, answer.message);
}

const isRefused = (answer: object): answer is Refused => 'refused' in answer;
