/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of an app definition and of a group. */
#ifndef DCOS_ALLOCATOR_APP_ROWS_H
#define DCOS_ALLOCATOR_APP_ROWS_H

#include "tools/allocator/shape.h"

extern const struct shape_row app_rows[];

#endif
