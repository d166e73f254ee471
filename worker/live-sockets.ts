import { eq } from 'drizzle-orm';
import { watcherHeaders } from '#durable/watcher.ts';
import { DomainError, invalid, notFound } from '#domain/errors.ts';
import { agents } from './db/client.ts';
import { bearerOf } from './http/bearer.ts';
import { hubRoom } from './live.ts';
import type { Ctx } from './services/context.ts';
import { enter, inProject, ofRow, type Scope } from './services/gate.ts';
import { proofQuery } from './services/live/proof.ts';
import { watchProject } from './services/live/watches.ts';
import { SESSION_MS } from './services/session/session.ts';

// The upgrades under /live. Who may enter is decided here, before the handshake; the object is given a request made
// anew, so that nothing a client sends can pose as what the Worker found.

/** `/live/projects/{id}`: presence and changes, for who may read the project. */
export async function openProjectSocket(ctx: Ctx, env: Env, request: Request, id: number): Promise<Response> {
	assertUpgrade(request);
	assertOwnPage(request);
	const headers = await watching(ctx, 'project.read', inProject(id));
	return env.PROJECT_ROOM.getByName(String(id)).fetch('https://room/', { headers });
}

/** `/live/hub`: changes to what belongs to no project, for everybody who is signed in. */
export async function openHubSocket(ctx: Ctx, env: Env, request: Request): Promise<Response> {
	assertUpgrade(request);
	assertOwnPage(request);
	const headers = await watching(ctx, 'me.read', null);
	return hubRoom(env).fetch('https://hub/', { headers });
}

/** `/live/runs/{id}?from={offset}`: the run's log and outcome, for who may read the run. */
export async function openRunSocket(ctx: Ctx, env: Env, request: Request, id: number): Promise<Response> {
	assertUpgrade(request);
	assertOwnPage(request);
	const from = new URL(request.url).searchParams.get('from') ?? '0';
	if (!/^\d{1,15}$/.test(from)) throw invalid('from', 'expected an offset in bytes');
	const headers = await watching(ctx, 'run.read', ofRow('run', id));
	return env.RUN_STREAM.getByName(String(id)).fetch(`https://stream/?from=${from}`, { headers });
}

/** `/live/agent?agent={id}`: who it is, the agent proves inside. */
export async function openAgentSocket(ctx: Ctx, env: Env, request: Request): Promise<Response> {
	assertUpgrade(request);
	const id = await agentIn(ctx, request);
	// The address the agent reached the hub by is part of what it signs.
	const headers = new Headers({ upgrade: 'websocket', host: request.headers.get('host') ?? '' });
	return env.AGENT_LINK.getByName(String(id)).fetch(`https://link/`, { headers });
}

/** The agent that the address names, so that no object is made for one there is not. */
export async function agentIn(ctx: Ctx, request: Request): Promise<number> {
	const asked = new URL(request.url).searchParams.get('agent') ?? '';
	const id = /^\d{1,10}$/.test(asked) ? Number(asked) : 0;
	const [agent] = await ctx.db.select({ id: agents.id }).from(agents).where(eq(agents.id, id));
	if (!agent) throw notFound('agent');
	return id;
}

async function watching(ctx: Ctx, action: 'me.read' | 'project.read' | 'run.read', scope: Scope): Promise<Headers> {
	const { actor, rows } = await enter(ctx, action, scope, [proofQuery(ctx), watchProject(ctx, scope)]);
	const [proof] = rows[0];
	if (!proof) throw new DomainError('not_signed_in', 'Sign in first.');
	return watcherHeaders({
		user_id: actor.id,
		name: proof.name ?? actor.username,
		admin: actor.role === 'admin' && (!actor.token || actor.token.scopes.includes('admin')),
		proof: { kind: actor.token ? 'token' : 'session', id: proof.id },
		// A token lives longer than the note of which rooms somebody may be in: its sockets come back once in the time of a session.
		expires_at: Math.min(Date.parse(proof.expires_at), ctx.now() + SESSION_MS),
	});
}

function assertUpgrade(request: Request) {
	if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket')
		throw invalid('upgrade', 'this address takes WebSockets only');
}

/** A browser sends its cookie along with any page's socket, and names that page: it must be this hub's own. No page can send a token. */
function assertOwnPage(request: Request) {
	if (bearerOf(request) === null && request.headers.get('origin') !== new URL(request.url).origin)
		throw new DomainError('forbidden', "Not allowed: a socket must carry this hub's own Origin header.");
}
