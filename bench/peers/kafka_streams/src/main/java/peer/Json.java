package peer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** JSON by Jackson's data binding: names in snake case; properties without a field are ignored. */
final class Json {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Json() {}

    /** Returns a serde for objects of a class. */
    static <T> Serde<T> serde(Class<T> type) {
        ObjectWriter writer = MAPPER.writerFor(type);
        ObjectReader reader = MAPPER.readerFor(type);
        return Serdes.serdeFrom((topic, object) -> write(writer, object), (topic, json) -> read(reader, json));
    }

    private static byte[] write(ObjectWriter writer, Object object) {
        try {
            return object == null ? null : writer.writeValueAsBytes(object);
        } catch (JsonProcessingException error) {
            throw new SerializationException("can't be written as JSON", error);
        }
    }

    private static <T> T read(ObjectReader reader, byte[] json) {
        try {
            return json == null ? null : reader.readValue(json);
        } catch (IOException error) {
            throw new SerializationException("not the JSON expected", error);
        }
    }
}
