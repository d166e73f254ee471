import { describe, expect, it } from 'vitest';
import { concerns, Touches } from '#durable/core/touches.ts';
import { HubKind } from '#protocol/browser.ts';
import { permissions } from '#domain/permissions.ts';
import { touchesOf } from '#worker/services/live/touches.ts';
import { auditActions } from '#lib/audit/entry.ts';

const admin = { user_id: 1, admin: true };
const dev = { user_id: 2, admin: false };
const all = HubKind.options;

describe('who is told of what is touched', () => {
	it('1: what only admins, or only a person, may see is told to them alone', () => {
		const told = (who: typeof dev, user_id: number | null) => all.filter((kind) => concerns({ kind, user_id }, who));
		const others = all.filter((kind) => kind !== 'notification');
		expect(told(admin, null)).toEqual(others);
		expect(told(admin, 7)).toEqual(others);
		expect(told(admin, admin.user_id)).toEqual(all);
		expect(told(dev, null)).toEqual(['user', 'group', 'project', 'agent', 'host']);
		expect(told(dev, 7)).toEqual(['user', 'group', 'agent', 'host']);
		expect(told(dev, dev.user_id)).toEqual(all.filter((kind) => kind !== 'audit'));
	});
});

describe('what a page may have missed', () => {
	const touch = (kind: HubKind, user_id: number | null = null) => ({ kind, user_id });

	it('is told from its cursor on, each kind once', () => {
		const touches = new Touches('life');
		touches.add([touch('group')], 1000);
		const { cursor } = touches;
		expect(touches.since(cursor, 0, 1000, admin)).toEqual([]);
		touches.add([touch('agent'), touch('audit')], 2000);
		touches.add([touch('agent')], 3000);
		expect(touches.since(cursor, 0, 4000, admin).sort()).toEqual(['agent', 'audit']);
		expect(touches.since(cursor, 0, 4000, dev)).toEqual(['agent']);
	});

	it('is everything, with a cursor of another life or one that is none', () => {
		const touches = new Touches('new');
		for (const cursor of ['old.3', 'new', 'new.x', '', '.', 'new.-1'])
			expect(touches.since(cursor, 0, 0, dev), cursor).toEqual(all);
	});

	it('is what was touched since it loaded, when it has just come', () => {
		const touches = new Touches('life');
		touches.add([touch('group')], 10_000);
		touches.add([touch('user')], 20_000);
		expect(touches.since(null, 500, 21_000, dev)).toEqual(['user']);
		expect(touches.since(null, 15_000, 21_000, dev)).toEqual(['group', 'user']);
		expect(touches.since(null, 0, 60_000, dev)).toEqual([]);
	});

	it('is everything again where too much was touched to remember', () => {
		const touches = new Touches('life');
		const { cursor } = touches;
		for (let n = 1; n <= 1500; n++) touches.add([touch('token', n)], n);
		expect(touches.since(cursor, 0, 2000, dev)).toEqual(all);
		expect(touches.since('life.1400', 0, 2000, { user_id: 1450, admin: false })).toEqual(['token']);
		expect(touches.since('life.1400', 0, 2000, { user_id: 1300, admin: false })).toEqual([]);
	});
});

describe('what the audit is told of', () => {
	it('touches the audit, and of what belongs to no project its kind', () => {
		const actor = { kind: 'user', id: 5, username: 'x', role: 'dev' } as const;
		const kinds = (action: string) =>
			touchesOf(actor, [{ action, object_type: 'X', object_id: 5, project_id: null }]).map(({ kind }) => kind);
		for (const action of auditActions) expect(kinds(action), action).toContain('audit');
		const hubs =
			/^(user|group|group_user|project|project_group|agent|session|second_factor|token|me|webhook|identity)\./;
		for (const action of [...auditActions, ...Object.keys(permissions)].filter((one) => hubs.test(one)))
			expect(kinds(action).length, action).toBeGreaterThan(1);
		expect(touchesOf(actor, [])).toEqual([]);
	});
});
