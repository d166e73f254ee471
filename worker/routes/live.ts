import { Hono } from 'hono';
import { type AppEnv, withCtx } from '#worker/http/context.ts';
import { idIn } from '#worker/http/input.ts';
import { sameOrigin } from '#worker/http/origin.ts';
import { pollAgent, sendFromAgent } from '#worker/live-polls.ts';
import { openAgentSocket, openHubSocket, openProjectSocket, openRunSocket } from '#worker/live-sockets.ts';

/** The WebSockets, and what stands in for the agent's. Who may enter is decided before the handshake; a refusal is a problem like any other. */
export const live = new Hono<AppEnv>()
	.use(sameOrigin, withCtx)
	.get('/projects/:id', idIn('project'), (c) => openProjectSocket(c.var.ctx, c.env, c.req.raw, c.req.valid('param').id))
	.get('/hub', (c) => openHubSocket(c.var.ctx, c.env, c.req.raw))
	.get('/runs/:id', idIn('run'), (c) => openRunSocket(c.var.ctx, c.env, c.req.raw, c.req.valid('param').id))
	.get('/agent', (c) => openAgentSocket(c.var.ctx, c.env, c.req.raw))
	.post('/agent/poll', (c) => pollAgent(c.var.ctx, c.env, c.req.raw))
	.post('/agent/send', (c) => sendFromAgent(c.env, c.req.raw));
