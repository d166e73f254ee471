CREATE TABLE `import_chunks` (
	`import_id` integer NOT NULL,
	`first_line` integer NOT NULL,
	`kind` text NOT NULL,
	`first_id` integer,
	`last_id` integer,
	`rows` text NOT NULL,
	PRIMARY KEY(`import_id`, `first_line`),
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `import_chunks_kind` ON `import_chunks` (`import_id`,`kind`,`first_line`);--> statement-breakpoint
CREATE TABLE `imports` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`token` text NOT NULL,
	`next_line` integer DEFAULT 1 NOT NULL,
	`progress` text NOT NULL,
	`done_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `imports_token` ON `imports` (`token`);