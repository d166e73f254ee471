import { z } from 'zod';
import { editable, Id, Sha256, Text } from './common.ts';
import { content, source, sourceCreate } from './source.ts';

export const InventoryFormat = z.enum(['ini', 'yaml']);
export type InventoryFormat = z.infer<typeof InventoryFormat>;

const Group = z.object({
	hosts: z.array(z.string()).optional(),
	children: z.array(z.string()).optional(),
	/** Of `_meta` only, which is no group: each host's variables. */
	hostvars: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

/** Groups with their hosts and children, and each host's variables: what `ansible-inventory --list` prints. */
export const GroupsJson = z.record(z.string(), Group);
export type GroupsJson = z.infer<typeof GroupsJson>;

export const noGroups: GroupsJson = { _meta: { hostvars: {} }, all: { children: ['ungrouped'] } };

/** An Ansible inventory, as it stands in lists: how large it is, without what is in it. */
export const Inventory = z.object({
	id: Id,
	project_id: Id,
	...source,
	summary: z.string().nullable(),
	format: InventoryFormat.nullable(),
	/** Of the text that was sent; null where only the place is known. */
	sha256: Sha256.nullable(),
	size: z.int().min(0).nullable(),
	group_count: z.int().min(0),
	host_count: z.int().min(0),
	...editable,
});
export type Inventory = z.infer<typeof Inventory>;

/** One inventory, with what is in it. */
export const InventoryView = Inventory.extend({ groups_json: GroupsJson });
export type InventoryView = z.infer<typeof InventoryView>;

const fields = { summary: Text(2000).nullable(), format: InventoryFormat.optional() };

/** Without `format` it is told by the file's name, or by the text. */
export const InventoryCreate = sourceCreate(
	{ ...fields, summary: fields.summary.default(null) },
	content(),
	'inventory',
);
export type InventoryCreate = z.infer<typeof InventoryCreate>;

export const InventoryPatch = z.strictObject({ ...fields, content: content() }).partial();
export type InventoryPatch = z.infer<typeof InventoryPatch>;

/** Hosts an inventory may have, ranges counted out. */
export const HOSTS_MAX = 10_000;
/** Its groups and variables as JSON, in bytes. */
export const GROUPS_JSON_MAX = 1_048_576;

const secretWords = new Set(['pass', 'pwd', 'key', 'keys', 'apikey', 'credential', 'credentials', 'secrets', 'tokens']);

/** A variable whose name says that its value is for few eyes: an interface hides it. */
export const isSecretName = (name: string): boolean =>
	name
		.replace(/([a-z])([A-Z])/g, '$1_$2')
		.toLowerCase()
		.split(/[^a-z0-9]+/)
		.some((word) => secretWords.has(word) || /(password|passwd|passphrase|secret|token)$/.test(word));
