DROP INDEX `jobs_environment`;--> statement-breakpoint
CREATE INDEX `jobs_created` ON `jobs` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_title` ON `jobs` (`project_id`,`title`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_updated` ON `jobs` (`project_id`,`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_type` ON `jobs` (`project_id`,`job_type`,`created_at`);--> statement-breakpoint
CREATE INDEX `jobs_priority` ON `jobs` (`project_id`,`priority`,`created_at`);--> statement-breakpoint
CREATE INDEX `jobs_owner` ON `jobs` (`project_id`,`owner_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `jobs_environment` ON `jobs` (`environment_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `audit_logs_action` ON `audit_logs` (`action`,`id`);--> statement-breakpoint
CREATE INDEX `audit_logs_type` ON `audit_logs` (`object_type`,`id`);--> statement-breakpoint
CREATE INDEX `audit_logs_actor` ON `audit_logs` (`actor_kind`,`id`);--> statement-breakpoint
CREATE VIRTUAL TABLE `jobs_text` USING fts5(`title`, `description`, content='jobs', content_rowid='id', tokenize='trigram');--> statement-breakpoint
INSERT INTO `jobs_text` (`jobs_text`) VALUES ('rebuild');--> statement-breakpoint
CREATE TRIGGER `jobs_text_insert` AFTER INSERT ON `jobs` BEGIN INSERT INTO `jobs_text` (`rowid`, `title`, `description`) VALUES (new.`id`, new.`title`, new.`description`); END;
--> statement-breakpoint
CREATE TRIGGER `jobs_text_delete` AFTER DELETE ON `jobs` BEGIN INSERT INTO `jobs_text` (`jobs_text`, `rowid`, `title`, `description`) VALUES ('delete', old.`id`, old.`title`, old.`description`); END;
--> statement-breakpoint
CREATE TRIGGER `jobs_text_update` AFTER UPDATE OF `title`, `description` ON `jobs` BEGIN INSERT INTO `jobs_text` (`jobs_text`, `rowid`, `title`, `description`) VALUES ('delete', old.`id`, old.`title`, old.`description`); INSERT INTO `jobs_text` (`rowid`, `title`, `description`) VALUES (new.`id`, new.`title`, new.`description`); END;
