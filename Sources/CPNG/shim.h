#pragma once
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

// libpng reports errors by longjmp, which may not pass Swift code. Here its calls stand between setjmp and the
// library, and Swift sees a return value.

/// A PNG file in memory.
struct png_picture {
    const unsigned char *bytes;
    size_t count;
    /// How many bytes are read.
    size_t place;
    /// In pixels.
    png_uint_32 width, height;
    /// 1 for gray, 3 for red, green and blue.
    int channels;
    /// Why a call failed.
    char reason[128];
};

static inline void png_picture_give(png_structp png, png_bytep to, size_t count) {
    struct png_picture *picture = (struct png_picture *)png_get_io_ptr(png);
    if (count > picture->count - picture->place) png_error(png, "the file ends early");
    memcpy(to, picture->bytes + picture->place, count);
    picture->place += count;
}

static inline void png_picture_fail(png_structp png, png_const_charp reason) {
    struct png_picture *picture = (struct png_picture *)png_get_error_ptr(png);
    snprintf(picture->reason, sizeof picture->reason, "%s", reason);
    png_longjmp(png, 1);
}

/// Many sound files have oddities in chunks that do not matter here.
static inline void png_picture_ignore(png_structp png, png_const_charp warning) {
    (void)png;
    (void)warning;
}

/// Reads the header, and the pixels where there is room for them, in 8 bits as [height, width, channels].
///
/// Gray of fewer bits is scaled to 0...255, of 16 bits the upper 8 count, a palette becomes colours. Transparency and
/// gamma are left out of account.
///
/// @param picture bytes and count are given, width, height and channels come back.
/// @param pixels height * width * channels bytes by an earlier call, or NULL for the header alone.
/// @return 1, or 0 with a reason.
static inline int png_picture_read(struct png_picture *picture, unsigned char *pixels) {
    picture->place = 0;
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, picture, png_picture_fail, png_picture_ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        snprintf(picture->reason, sizeof picture->reason, "libpng could not start");
        png_destroy_read_struct(&png, NULL, NULL);
        return 0;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    png_set_read_fn(png, picture, png_picture_give);
    png_read_info(png, info);
    const int colours = png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR;
    picture->width = png_get_image_width(png, info);
    picture->height = png_get_image_height(png, info);
    picture->channels = colours ? 3 : 1;
    if (pixels) {
        if (png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
        if (png_get_bit_depth(png, info) < 8 && !colours) png_set_expand_gray_1_2_4_to_8(png);
        png_set_strip_16(png);
        png_set_strip_alpha(png);
        const int passes = png_set_interlace_handling(png);
        png_read_update_info(png, info);
        const size_t row = (size_t)picture->width * (size_t)picture->channels;
        if (png_get_rowbytes(png, info) != row) png_error(png, "rows of another size than the header says");
        for (int pass = 0; pass < passes; pass++)
            for (png_uint_32 y = 0; y < picture->height; y++) png_read_row(png, pixels + y * row, NULL);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return 1;
}
