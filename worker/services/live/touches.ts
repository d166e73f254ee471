import { z } from 'zod';
import { Id } from '#domain/common.ts';
import type { Actor } from '#domain/permissions.ts';
import type { Touch } from '#protocol/browser.ts';
import type { AuditEntry } from '../commit.ts';

const About = z.object({ user_id: Id });

/**
 * What of the hub a change touches, by what is written of it into the audit: so no verb can forget to tell. What belongs to a
 * project its verb tells the project's room, row by row.
 */
export function touchesOf(actor: Actor, entries: readonly AuditEntry[]): Touch[] {
	if (entries.length === 0) return [];
	return [...entries.flatMap((entry) => about(actor, entry)), { kind: 'audit', user_id: null }];
}

function about(actor: Actor, { action, object_id, project_id, metadata }: AuditEntry): Touch[] {
	const object = typeof object_id === 'number' ? object_id : null;
	const person = About.safeParse(metadata).data?.user_id ?? (actor.kind === 'user' ? actor.id : null);
	const [what = '', verb = ''] = action.split('.');
	switch (what) {
		case 'user':
		case 'identity':
			return [{ kind: 'user', user_id: object }];
		case 'session':
		case 'second_factor':
			return [{ kind: 'session', user_id: object }];
		case 'me':
			return [{ kind: ownKind(verb), user_id: object }];
		case 'token':
			return [{ kind: 'token', user_id: person }];
		case 'group':
			return [{ kind: 'group', user_id: null }];
		case 'group_user':
			return [
				{ kind: 'group', user_id: null },
				{ kind: 'project', user_id: person },
			];
		case 'project_group':
			return [
				{ kind: 'group', user_id: null },
				{ kind: 'project', user_id: null },
			];
		case 'project':
			return [{ kind: 'project', user_id: null }];
		case 'agent':
			return [{ kind: 'agent', user_id: null }];
		case 'webhook':
			return project_id === null ? [{ kind: 'webhook', user_id: null }] : [];
		default:
			return [];
	}
}

function ownKind(verb: string) {
	if (verb.startsWith('feed')) return 'feed';
	if (/^(notification|email_)/.test(verb) || verb === 'webhook') return 'notification';
	return verb === 'password' ? 'session' : 'user';
}
