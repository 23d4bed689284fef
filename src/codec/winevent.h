#pragma once

/*
 * How the fields of a Windows event are called, whichever way it comes: as BinXML in an event log,
 * or as XML.  Rules name fields without the path that leads to them, so elements become flat names:
 *
 *     Event/System/Channel                   Channel
 *     Event/System/Provider, its Name        Provider_Name
 *     Event/System/TimeCreated, SystemTime   @timestamp and TimeCreated
 *     Event/EventData/Data, Name="Image"     Image
 *     Event/EventData/Data                   Data, as often as there are some
 *     Event/EventData/Binary                 Binary
 *     Event/UserData/any/path/Param1         Param1
 *     Event/UserData/…/Item, its size        Item_size
 *     Event/RenderingInfo/Message            Message
 *     Event/RenderingInfo/Level              RenderingInfo_Level
 */

#include "base/str.h"

/* Where an element stands: what its parent is. */
enum winevent_at {
    WINEVENT_DOCUMENT,
    WINEVENT_EVENT,     /* in Event */
    WINEVENT_SYSTEM,    /* in System */
    WINEVENT_DATA,      /* in EventData */
    WINEVENT_USER,      /* in UserData, at any depth, and in whatever else there is */
    WINEVENT_RENDERING, /* in RenderingInfo */
    WINEVENT_AT_COUNT
};

/* Where the children of `element` stand.  *ret_leaf: the element is a field, unless it turns out to
 * have children. */
enum winevent_at winevent_enter(enum winevent_at at, struct str element, bool *ret_leaf);

/* Whether an element without a value is no field, rather than an empty one. */
bool winevent_omit(enum winevent_at at, struct str element);

/* What stands before the element's name in that of its field. */
struct str winevent_prefix(enum winevent_at at, struct str element);

enum winevent_attribute {
    WINEVENT_IGNORED, /* a namespace, or of an element that is no field */
    WINEVENT_NAME,    /* its value is the name of the element's field */
    WINEVENT_TIME,    /* the event's time */
    WINEVENT_FIELD,   /* a field ELEMENT_ATTRIBUTE of its own */
};
enum winevent_attribute winevent_attribute(enum winevent_at at, struct str element, bool leaf,
                                           struct str attribute);
