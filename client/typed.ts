import type { z } from 'zod';
import type { Routes } from './routes.ts';

// What the compiler holds a call to. The keys of `Routes` have a colon where an address has an id; a path as it is written at a call,
// `/jobs/${id}/runs`, is brought to that form and looked up.

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Segment<S extends string> = string extends S ? ':' : S extends `${number}` ? ':' : S;
type Shape<P extends string> = P extends `${infer Head}/${infer Tail}` ? `${Segment<Head>}/${Shape<Tail>}` : Segment<P>;
type Key<M extends Method, P extends string> = `${M} ${Shape<P>}`;
type Found<K> = K extends keyof Routes ? Routes[K] : never;

/** Nothing more to ask of a path that the API has; for any other the compiler names what it looked for. */
export type Known<M extends Method, P extends string> = [Key<M, P>] extends [keyof Routes]
	? unknown
	: { 'the API has no': Key<M, P> };

export type Body<M extends Method, P extends string> = Found<Key<M, P>> extends { body: infer B } ? B : never;
type Answer<M extends Method, P extends string> = Found<Key<M, P>>['answer'];

/** A schema may read less of an answer than there is, or one of several kinds of it, and nothing that is not there. */
export type Reads<M extends Method, P extends string, S extends z.ZodType> = [
	Extract<Answer<M, P>, z.output<S>>,
] extends [never]
	? { 'the API answers': Answer<M, P> }
	: unknown;

/** The parameters of an address. Their values may come out of what people type into theirs: the hub checks them. */
export type Query<M extends Method, P extends string> =
	Found<Key<M, P>> extends { query: infer Q extends string }
		? { [K in Q]?: string | number | boolean | null | undefined }
		: Record<string, never>;

type Address<P extends string> = P extends `${infer Before}:${infer After}` ? `${Before}${string}${Address<After>}` : P;

/** Any path of the API that takes this method, for what is handed one. */
export type PathOf<M extends Method> = keyof Routes extends infer K
	? K extends `${M} ${infer P}`
		? Address<P>
		: never
	: never;
