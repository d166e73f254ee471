import { Hono } from 'hono';
import { type AppEnv, withCtx } from '#worker/http/context.ts';
import { idIn } from '#worker/http/input.ts';
import { openAgentSocket, openProjectSocket, openRunSocket } from '#worker/live-sockets.ts';

/** The WebSockets. Who may enter is decided before the handshake; a refusal is a problem like any other. */
export const live = new Hono<AppEnv>()
	.use(withCtx)
	.get('/projects/:id', idIn('project'), (c) => openProjectSocket(c.var.ctx, c.env, c.req.raw, c.req.valid('param').id))
	.get('/runs/:id', idIn('run'), (c) => openRunSocket(c.var.ctx, c.env, c.req.raw, c.req.valid('param').id))
	.get('/agent', (c) => openAgentSocket(c.var.ctx, c.env, c.req.raw));
