import { getTableName, sql, type SQL } from 'drizzle-orm';
import { getTableConfig, type SQLiteColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Ctx } from '../context.ts';
import { nameOf, waiting } from './chunks.ts';
import { type Kind, KINDS } from './kinds.ts';
import { badLine } from './lines.ts';

// What no line shows by itself: that what a row names is there and of its project, that what must be unique is. It is read from the
// tables themselves, so that what is asked of them is asked of an archive.

interface Question {
	kind: string;
	column: string;
	message: string;
	/** Gives `line`, the first that fails. */
	query: SQL;
}

const kindOf = new Map(KINDS.map((kind) => [getTableName(kind.table), kind]));
const has = (kind: Kind, column: string) => column in kind.columns;
const raw = (name: string) => sql.raw(`"${name}"`);

function questionsOf(import_id: number, kind: Kind): Question[] {
	const { table } = kind;
	const config = getTableConfig(table);
	const here = (columns: readonly string[]) => waiting(import_id, kind.kind, [...new Set(columns)]);
	const questions: Question[] = [];

	const refersTo = (column: string, target: Kind, key: string) => {
		const there = waiting(import_id, target.kind, [key]);
		questions.push({
			kind: kind.kind,
			column,
			message: `names a ${target.kind} that is not in the archive`,
			query: sql`select line from ${here([column])} where ${raw(column)} is not null and ${raw(column)} not in (select ${raw(key)} from ${there}) order by line limit 1`,
		});
		if (!has(kind, 'project_id') || !has(target, 'project_id')) return;
		const theirs = waiting(import_id, target.kind, [key, 'project_id']);
		questions.push({
			kind: kind.kind,
			column,
			message: `names a ${target.kind} of another project`,
			query: sql`select a.line from ${here([column, 'project_id'])} a join ${theirs} b on b.${raw(key)} = a.${raw(column)} where a.project_id is not b.project_id order by a.line limit 1`,
		});
	};
	for (const { reference } of config.foreignKeys) {
		const { columns, foreignTable, foreignColumns } = reference();
		const target = kindOf.get(getTableName(foreignTable as SQLiteTable));
		const [column, key] = [columns[0], foreignColumns[0]];
		if (target && column && key) refersTo(nameOf(column), target, nameOf(key));
	}
	const sealed = kindOf.get('audit_logs');
	if (kind.kind === 'AuditSeal' && sealed) refersTo('audit_id', sealed, 'id');

	const unique = (columns: readonly string[], where: SQL | undefined) => {
		const list = sql.join(columns.map(raw), sql`, `);
		// A partial index names other columns of its own row.
		const all = where ? Object.values(kind.columns).map(nameOf) : columns;
		questions.push({
			kind: kind.kind,
			column: columns.at(-1) ?? '',
			message: 'is taken by a row before it',
			query: sql`select max(line) as line from ${here(all)} where ${where ?? sql`1`} and ${sql.join(
				columns.map((name) => sql`${raw(name)} is not null`),
				sql` and `,
			)} group by ${list} having count(*) > 1 order by line limit 1`,
		});
	};
	for (const { config: index } of config.indexes) {
		const columns = index.columns.flatMap((column) => ('name' in column ? [column.name] : []));
		if (index.unique && columns.every((column) => has(kind, column))) unique(columns, index.where);
	}
	for (const key of config.primaryKeys)
		unique(
			key.columns.map((column: SQLiteColumn) => nameOf(column)),
			undefined,
		);
	for (const { name, value } of config.checks)
		questions.push({
			kind: kind.kind,
			column: '',
			message: `breaks the rule ${name}`,
			query: sql`select line from ${here(Object.values(kind.columns).map(nameOf))} where not (${value}) order by line limit 1`,
		});
	return questions;
}

/** Throws the first thing that is wrong between the rows, with its line. A few round trips for each kind, whatever the number of rows. */
export async function checkRows(ctx: Ctx, import_id: number): Promise<void> {
	for (const kind of KINDS) {
		const questions = questionsOf(import_id, kind);
		const [first, ...rest] = questions.map(({ query }) =>
			ctx.db.select({ line: sql<number>`line` }).from(sql`(${query})`),
		);
		if (!first) continue;
		const answers = await ctx.db.batch([first, ...rest]);
		for (const [i, [found]] of answers.entries()) {
			const question = questions[i];
			if (!found || !question) continue;
			const { column, message } = question;
			throw badLine(found.line, question.kind, [{ path: column ? ['row', column] : ['row'], message }]);
		}
	}
}
