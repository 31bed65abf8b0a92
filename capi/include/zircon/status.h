/**
 * @file
 * The names of statuses.
 */

#ifndef ZIRCON_STATUS_H_
#define ZIRCON_STATUS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/**
 * The name of a status: "ZX_ERR_TIMED_OUT" for ZX_ERR_TIMED_OUT, and "(UNKNOWN)" for a number that
 * zircon/errors.h does not have. The text is constant and lives as long as the program.
 */
const char* zx_status_get_string(zx_status_t status);
const char* _zx_status_get_string(zx_status_t status);

__END_CDECLS

#endif /* ZIRCON_STATUS_H_ */
