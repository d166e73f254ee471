CREATE TABLE `watches` (
	`user_id` integer NOT NULL,
	`project_id` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `project_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `watches_project` ON `watches` (`project_id`);--> statement-breakpoint
CREATE INDEX `watches_at` ON `watches` (`at`);