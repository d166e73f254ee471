import type { Inventory } from '#domain/inventory.ts';
import type { PlanAction } from '#domain/terraform.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const planAction: Words<PlanAction> = {
	create: m.action_create,
	update: m.action_update,
	replace: m.action_replace,
	delete: m.action_delete,
	read: m.action_read,
	'no-op': m.action_no_op,
};

/** What an inventory holds, in the plural each asks for. */
export const countsOf = ({ host_count, group_count }: Pick<Inventory, 'host_count' | 'group_count'>): string =>
	m.inventory_counts({
		hosts: m.hosts_count({ count: host_count }),
		groups: m.groups_count({ count: group_count }),
	});

/** As Terraform itself marks them, and the colour that goes with the mark. */
export const planMark: Record<
	PlanAction,
	{ sign: string; tone: 'success' | 'info' | 'warning' | 'danger' | 'neutral' }
> = {
	create: { sign: '+', tone: 'success' },
	update: { sign: '~', tone: 'info' },
	replace: { sign: '±', tone: 'warning' },
	delete: { sign: '−', tone: 'danger' },
	read: { sign: '≤', tone: 'neutral' },
	'no-op': { sign: '·', tone: 'neutral' },
};

/** The order in which they are told: what is lost first. */
export const planActions: readonly PlanAction[] = ['delete', 'replace', 'update', 'create', 'read'];
