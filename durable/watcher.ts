import { z } from 'zod';
import { Id } from '#domain/common.ts';
import { Proof } from '#domain/proof.ts';

const Watcher = z.object({
	user_id: Id,
	name: z.string(),
	/** An admin, who asks as one: with a session, or a token for that. */
	admin: z.boolean(),
	proof: Proof,
	expires_at: z.number(),
});
/** Who is behind a browser's socket, as the Worker found at the handshake, and until when in milliseconds UTC. */
export type Watcher = z.infer<typeof Watcher>;

/** The Worker makes the request to the object anew, with this header alone: nothing a client sends gets here. */
export const WATCHER_HEADER = 'x-uhub-watcher';

export const watcherHeaders = (watcher: Watcher): Headers =>
	new Headers({ upgrade: 'websocket', [WATCHER_HEADER]: encodeURIComponent(JSON.stringify(watcher)) });

/** Throws where the request is not the Worker's. */
export const watcherOf = (request: Request): Watcher =>
	Watcher.parse(JSON.parse(decodeURIComponent(request.headers.get(WATCHER_HEADER) ?? 'null')));
