/* SPDX-License-Identifier: Apache-2.0 */
/*
 * section.h - what the files section_*.c share: one table of settings each.
 *
 * Functions that return a status have put their complaint into scope->err:
 * OWNKEY_CONFIG means the next setting can be read, OWNKEY_NOMEM does not.
 */
#ifndef OWNKEY_CONF_SECTION_H
#define OWNKEY_CONF_SECTION_H

#include "conf/internal.h"

/* A known name and what takes its value into target. */
struct ownkey_setting {
    const char *name;
    enum ownkey_status (*take)(const struct ownkey_conf_scope *,
                               const struct ownkey_ini_entry *, void *target);
};

/* Complaints. hint: what the value must be. */
enum ownkey_status
ownkey_section_bad_value(const struct ownkey_conf_scope *scope,
                         const struct ownkey_ini_entry *e, const char *hint);
/* About a file that e names; cause as its reader filled it. */
enum ownkey_status
ownkey_section_bad_file(const struct ownkey_conf_scope *scope,
                        const struct ownkey_ini_entry *e, enum ownkey_status st,
                        const struct ownkey_error *cause);
/* About a name that is not in table; further: what else there is. */
enum ownkey_status ownkey_section_unknown(const struct ownkey_conf_scope *scope,
                                          const struct ownkey_ini_entry *e,
                                          const struct ownkey_setting *table,
                                          size_t n, const char *further);
enum ownkey_status
ownkey_section_no_memory(const struct ownkey_conf_scope *scope);

/* Checked copies of a value; *out is replaced. */
enum ownkey_status
ownkey_section_keep_text(const struct ownkey_conf_scope *scope,
                         const char *text, char **out);
enum ownkey_status
ownkey_section_keep_path(const struct ownkey_conf_scope *scope,
                         const struct ownkey_ini_entry *e, char **out);
enum ownkey_status
ownkey_section_keep_uri(const struct ownkey_conf_scope *scope,
                        const struct ownkey_ini_entry *e, char **out,
                        char **where);
/* "FILE:LINE" of e. */
enum ownkey_status
ownkey_section_keep_place(const struct ownkey_conf_scope *scope,
                          const struct ownkey_ini_entry *e, char **where);
/* Name, value and place, as they stand there. */
enum ownkey_status
ownkey_section_keep_option(const struct ownkey_conf_scope *scope,
                           const struct ownkey_ini_entry *e,
                           struct ownkey_options *options);

/* NULL when there is none. */
const struct ownkey_ini_entry *
ownkey_section_entry(const struct ownkey_ini_section *section,
                     const char *name);
const struct ownkey_setting *
ownkey_section_setting(const struct ownkey_setting *table, size_t n,
                       const char *name);

/* Refuses a name's second appearance and a missing value. */
enum ownkey_status ownkey_section_check(const struct ownkey_conf_scope *scope,
                                        const struct ownkey_ini_entry *e);

/* ca_file and the timeouts, which every service has. */
bool ownkey_section_is_shared(const char *name);
/* Those, and names with a dot. */
bool ownkey_section_is_service(const char *name);
enum ownkey_status
ownkey_section_keep_service(const struct ownkey_conf_scope *scope,
                            const struct ownkey_ini_entry *e,
                            struct ownkey_options *options);

/*
 * A service knows its own settings and passes over the others: those are
 * caught here, or a slip such as contxt.tenant would bind nothing. All
 * options are the section's own; uri may be NULL.
 */
void ownkey_section_check_services(const struct ownkey_conf_scope *scope,
                                   const char *uri,
                                   const struct ownkey_options *options);

#endif
