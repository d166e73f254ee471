import type { ProjectView } from '#domain/project.ts';
import { type Action, can, permissions, type Refusal, type Subject } from '#domain/permissions.ts';
import type { User } from '#domain/user.ts';
import { access, role } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

/**
 * Why this person may not do that, in their language; null when they may. The hub asks the same table again:
 * this only saves people a refusal.
 */
export function whyNot(me: User, action: Action, project: ProjectView | null, subject: Subject = {}): string | null {
	const verdict = can({ kind: 'user', ...me }, action, { access: project?.access ?? null, ...subject });
	if (verdict.allowed) return null;
	const words: Record<Refusal, () => string> = {
		token: () => m.why_token(),
		role: () => m.why_role({ role: role[me.role]() }),
		prod: () => m.why_prod({ role: role[me.role]() }),
		own: () => m.why_own(),
		own_run: () => m.why_own_run(),
		access: () => {
			const need = permissions[action][me.role];
			return need === 'read' || need === 'contribute' || need === 'operate' || need === 'manage'
				? m.why_access({ access: access[need]() })
				: m.why_own();
		},
		job_type: () => m.why_job_type(),
		lent: () => m.why_lent(),
		environment: () =>
			m.why_environment({
				roles: (subject.environment?.protection.allowed_roles ?? []).map((r) => role[r]()).join(', '),
			}),
	};
	return words[verdict.refusal]();
}

export const may = (me: User, action: Action, project: ProjectView | null, subject: Subject = {}): boolean =>
	whyNot(me, action, project, subject) === null;
