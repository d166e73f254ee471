import type { Priority } from '#domain/priority.ts';
import type { ActionState, SectionName } from '#domain/postmortem.ts';
import type { Locale } from '#domain/user.ts';

interface Words extends Record<SectionName | 'action' | 'owner' | 'due' | 'priority' | 'state', string> {
	priorities: Record<Priority, string>;
	states: Record<ActionState, string>;
}

/** The few words an exported post-mortem has of its own; the app's are not known here. */
export const words: Record<Locale, Words> = {
	en: {
		summary: 'Summary',
		impact: 'Impact',
		root_cause: 'Root cause',
		timeline: 'Timeline',
		action_items: 'Actions',
		action: 'Action',
		owner: 'Owner',
		due: 'Due',
		priority: 'Priority',
		state: 'State',
		priorities: { low: 'low', normal: 'normal', high: 'high', critical: 'critical' },
		states: { open: 'open', in_progress: 'in progress', done: 'done', dropped: 'dropped' },
	},
	fr: {
		summary: 'Résumé',
		impact: 'Impact',
		root_cause: 'Cause première',
		timeline: 'Chronologie',
		action_items: 'Actions',
		action: 'Action',
		owner: 'Responsable',
		due: 'Échéance',
		priority: 'Priorité',
		state: 'État',
		priorities: { low: 'basse', normal: 'normale', high: 'haute', critical: 'critique' },
		states: { open: 'à faire', in_progress: 'en cours', done: 'faite', dropped: 'abandonnée' },
	},
};
