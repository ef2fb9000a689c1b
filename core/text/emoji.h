// Which characters are emoji by themselves, as the Python package emoji 2.16 (Unicode Emoji 17.0)
// has them: not digits, not the letters of flags.
#ifndef PLUMBLINE_CORE_TEXT_EMOJI_H_
#define PLUMBLINE_CORE_TEXT_EMOJI_H_

namespace plumbline {

// emoji.is_emoji(c) of a string of one character. Thread-safe.
bool IsEmoji(char32_t c);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_EMOJI_H_
