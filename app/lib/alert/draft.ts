import type { AlertSource, AlertSourceKind } from '#domain/alert.ts';
import { Severity } from '#domain/incident.ts';

/** An alert source as its form has it: lists as text, with commas between. */
export interface SourceDraft {
	name: string;
	kind: AlertSourceKind;
	environment_id: number | null;
	severity: Severity;
	/** The words of its own, by what they stand for. */
	words: Record<Severity, string>;
	group_by: string;
	secret_ref: string;
}

const listed = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((word) => word !== ''))];

export const draftOf = (source: AlertSource | null): SourceDraft => ({
	name: source?.name ?? '',
	kind: source?.kind ?? 'alertmanager',
	environment_id: source?.environment_id ?? null,
	severity: source?.severity ?? 'medium',
	words: {
		low: wordsFor(source, 'low'),
		medium: wordsFor(source, 'medium'),
		high: wordsFor(source, 'high'),
		critical: wordsFor(source, 'critical'),
	},
	group_by: source?.group_by.join(', ') ?? '',
	secret_ref: source?.secret_ref ?? '',
});

const wordsFor = (source: AlertSource | null, severity: Severity): string =>
	Object.entries(source?.severities ?? {})
		.flatMap(([word, its]) => (its === severity ? [word] : []))
		.join(', ');

/** What a form says, as the hub takes it. A word that stands for two is the worse one. */
export const inputOf = ({ words, group_by, secret_ref, kind, ...rest }: SourceDraft) => ({
	...rest,
	severities: Object.fromEntries(
		Severity.options.flatMap((severity) => listed(words[severity]).map((word) => [word, severity] as const)),
	),
	group_by: listed(group_by),
	secret_ref: kind === 'grafana' && secret_ref.trim() !== '' ? secret_ref.trim() : null,
});
