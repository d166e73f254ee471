import { DurableObject } from 'cloudflare:workers';
import { proofKey } from '#domain/proof.ts';
import { FromHubPage, PING, PONG, type ToHubPage, type Touch } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { BROWSER_PROTOCOL } from '#protocol/version.ts';
import { systemCtx } from '#worker/http/context.ts';
import { stillAdmins } from '#worker/services/live/still-allowed.ts';
import type { AuditLink, AuditRewind } from '#domain/audit.ts';
import { Keyed } from './core/keyed.ts';
import { concerns, Touches } from './core/touches.ts';
import { PageSockets } from './page-sockets.ts';
import { Rights } from './rights.ts';
import { type Watcher, watcherOf } from './watcher.ts';

/** A page's socket, with who sits behind it. */
interface Page extends Watcher {
	follows: boolean;
}

const PAGES_MAX = 20_000;
/** The first are kept: that it happened is what counts. */
const REWINDS_MAX = 100;

interface Kept {
	audit_link: AuditLink | null;
	audit_rewinds: AuditRewind[];
}

/**
 * What belongs to no project: every open page of the hub, told by kind what changed there (docs/adr/0016-the-room-of-the-hub.md).
 * There is one. Of what it tells it keeps nothing: what a page may have missed it asks for. It is the witness of the audit's chain.
 */
export class HubRoom extends DurableObject<Env> {
	readonly #touches = new Touches(crypto.randomUUID());
	readonly #frames = new PageSockets<FromHubPage, ToHubPage>(FromHubPage);
	readonly #rights: Rights;
	readonly #kept: Keyed<Kept>;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#kept = new Keyed(ctx.storage);
		this.#rights = new Rights(
			async (proofs) => {
				const admins = await stillAdmins(systemCtx(env, ctx), proofs);
				const asAdmins = new Set(this.#pages().flatMap(([, page]) => (page.admin ? [proofKey(page.proof)] : [])));
				return new Map([...admins].map(([key, isAdmin]) => [key, isAdmin || !asAdmins.has(key)]));
			},
			() => this.#pages(),
			() => undefined,
		);
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
	}

	/** Something changed, and was committed. Who lost their session or their role with it is out when this resolves. */
	async touched(touches: Touch[]): Promise<void> {
		const now = Date.now();
		this.#touches.add(touches, now);
		this.#rights.look(now);
		const lost = touches.filter(({ kind }) => kind === 'session' || kind === 'user' || kind === 'token');
		await Promise.all(lost.map(async ({ user_id }) => user_id !== null && this.#rights.changed(user_id, now)));
		for (const [ws, page] of this.#pages())
			if (page.follows) this.#tell(ws, [...new Set(touches.filter((t) => concerns(t, page)).map((t) => t.kind))]);
	}

	// ——— the witness of the audit's chain (worker/services/context.ts) ———

	auditRecall(): { link: AuditLink | null; rewinds: AuditRewind[] } {
		return { link: this.#kept.get('audit_link'), rewinds: this.#kept.get('audit_rewinds') ?? [] };
	}

	auditSealed(link: AuditLink): void {
		if (link.audit_id > (this.#kept.get('audit_link')?.audit_id ?? 0)) this.#kept.put('audit_link', link);
	}

	auditRewound(rewind: AuditRewind, link: AuditLink | null): void {
		const known = this.#kept.get('audit_rewinds') ?? [];
		this.#kept.put('audit_rewinds', [...known, rewind].slice(0, REWINDS_MAX));
		this.#kept.put('audit_link', link);
	}

	override fetch(request: Request): Response {
		const watcher = watcherOf(request);
		const { 0: client, 1: server } = new WebSocketPair();
		const full = this.ctx.getWebSockets().length >= PAGES_MAX;
		this.ctx.acceptWebSocket(server);
		if (full) server.close(Close.tooFast, 'too many open pages');
		else {
			server.serializeAttachment({ ...watcher, follows: false } satisfies Page);
			this.ctx.waitUntil(this.#rights.arrived(watcher, Date.now()));
		}
		return new Response(null, { status: 101, webSocket: client });
	}

	override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
		const page = pageOf(ws);
		const hello = this.#frames.read(ws, message);
		if (!page || !hello) return;
		ws.serializeAttachment({ ...page, follows: true } satisfies Page);
		this.#frames.tell(ws, { type: 'welcome', v: BROWSER_PROTOCOL });
		this.#tell(ws, this.#touches.since(hello.since, hello.age, Date.now(), page));
	}

	/** Also of nothing, to a page that has come: it learns the cursor. */
	#tell(ws: WebSocket, kinds: ReturnType<Touches['since']>) {
		this.#frames.tell(ws, { type: 'touched', cursor: this.#touches.cursor, kinds });
	}

	#pages(): [WebSocket, Page][] {
		return this.ctx.getWebSockets().flatMap((ws): [WebSocket, Page][] => {
			const page = ws.readyState === WebSocket.OPEN ? pageOf(ws) : null;
			return page ? [[ws, page]] : [];
		});
	}
}

const pageOf = (ws: WebSocket): Page | null => ws.deserializeAttachment() as Page | null;
